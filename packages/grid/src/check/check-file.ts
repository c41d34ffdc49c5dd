import type { Logger } from '@holdfast/common/logging';
import type { ServerSet } from '../connections/server-set.js';
import { untilAborted } from '../connections/until-aborted.js';
import { type TransferMemory, takeMemory } from '../memory/transfer-memory.js';
import type { CheckedFile, CheckResults } from './check-results.js';
import { lookAtFile, lookingMemory, worthKeeping } from './look-at-file.js';

/** What a check needs. */
export interface CheckOptions {
  readonly servers: Pick<ServerSet, 'connectedFor' | 'statuses'>;
  readonly memory: TransferMemory;
  readonly logger: Logger;
  /** Whether to read every byte of every share. */
  readonly verify: boolean;
  /** Whether to renew our leases on the good shares. */
  readonly addLease: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks how a file is doing.
 *
 * @throws OverloadedError, NotEnoughMemoryError, or the signal's reason
 */
export async function checkFile(file: CheckedFile, options: CheckOptions): Promise<CheckResults> {
  const { memory, verify, signal } = options;
  const through = (server: Parameters<typeof untilAborted>[0]) => untilAborted(server, signal);
  const look = (keep: number) =>
    lookAtFile(file, { ...options, through, keep, knownCorrupt: [] }).then(({ results }) => results);
  const wanted = verify || file.kind === 'storage-index' ? worthKeeping(file) : 0;
  // Where there never is so much memory, shares are read piece by piece.
  if (wanted === 0 || lookingMemory(wanted) > memory.beginning.size) return look(0);
  const beginning = await takeMemory(memory.beginning, lookingMemory(wanted), {
    what: 'checking a file',
    signal,
  });
  try {
    return await look(wanted);
  } finally {
    beginning.release();
  }
}
