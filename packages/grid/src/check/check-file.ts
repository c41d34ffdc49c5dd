import type { Logger } from '@holdfast/common/logging';
import type { ChkVerifyCapability } from '@holdfast/lafs';
import type { ServerSet } from '../connections/server-set.js';
import type { StorageServer } from '../connections/storage-server.js';
import { untilAborted } from '../connections/until-aborted.js';
import { hasSmallShares, openingMemory } from '../download/download-memory.js';
import { takeOpeningMemory } from '../memory/transfer-memory.js';
import type { RebuildOptions } from '../repair/rebuild-shares.js';
import type { CheckedFile, CheckResults } from './check-results.js';
import { countFindings } from './count-findings.js';
import { type Look, lookAtFile, withoutData } from './look-at-file.js';
import { takeLookingMemory, worthReading, worthReadingAsProof } from './taken-whole.js';
import { verifyEncoding } from './verify-encoding.js';

/** What a check needs. */
export interface CheckOptions extends RebuildOptions {
  readonly servers: Pick<ServerSet, 'connectedFor' | 'orderFor' | 'statuses'>;
  readonly logger: Logger;
  /** Whether to read every byte of every share. */
  readonly verify: boolean;
  /** Whether to renew our leases on the good shares. */
  readonly addLease: boolean;
}

/**
 * Looks how a file is doing.
 *
 * @throws OverloadedError, NotEnoughMemoryError, or the signal's reason
 */
export async function checkFile(file: CheckedFile, options: CheckOptions): Promise<CheckResults> {
  const { memory, verify, signal } = options;
  const through = (server: StorageServer) => untilAborted(server, signal);
  const what = 'checking a file';
  const toRead = verify || file.kind === 'storage-index';
  const looking = await takeLookingMemory(
    toRead ? worthReading(file) : worthReadingAsProof(file),
    memory.opening,
    // Without it one more request is made, and no more.
    { what, mayWait: toRead, signal },
  );
  const { keep } = looking;
  try {
    const look = await lookAtFile(file, { ...options, through, keep, prove: true, knownCorrupt: [] });
    looking.answered();
    const { capability, recoverable } = look.results;
    if (!verify || !capability || !recoverable) return look.results;
    if (keep.bytes > 0 && hasSmallShares(capability)) return await withDefect(look, capability, options);
    // Opening shares takes memory, of which none may be held while it is waited for.
    looking.release();
    const opening = await takeOpeningMemory(memory, openingMemory(capability), { what, signal });
    try {
      return await withDefect(withoutData(look), capability, options, () => opening.release());
    } finally {
      opening.release();
    }
  } finally {
    looking.release();
  }
}

async function withDefect(
  { results, good }: Look,
  capability: ChkVerifyCapability,
  options: CheckOptions,
  opened?: () => void,
): Promise<CheckResults> {
  const defect = await verifyEncoding(capability, good, options, opened);
  return defect === undefined ? results : countFindings({ ...results, defect });
}
