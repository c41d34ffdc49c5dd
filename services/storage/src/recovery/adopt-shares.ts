import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bucketFolder, type ShareAddress } from '@holdfast/lafs';
import type { Quarantine } from '../damage/quarantine.js';
import { keyOf, type ShareRecords } from '../records/share-records.js';
import type { ShareBackend } from '../share-backend/share-backend.js';
import type { ShareAdoption } from './share-adoption.js';

const recordsAtOnce = 1000;

/** What a walk over all shares needs. */
export interface AdoptionParts {
  readonly backend: ShareBackend;
  readonly records: ShareRecords;
  readonly adoption: ShareAdoption;
  /** Whether an upload is just bringing a share there: it will be recorded by that. */
  readonly isUploading?: (share: ShareAddress) => boolean;
  /** Damaged shares are not missing. */
  readonly quarantine: Quarantine;
}

/** What a walk over all shares found. */
export interface WalkOutcome {
  /** Shares that had no record and have one now. */
  readonly adopted: number;
  /** Stable records whose share is not in the backend, but for damaged ones. They are left as they are: no lease is ended for a lost disk. */
  readonly missing: number;
  /** Shares in the backend. */
  readonly shares: number;
  /** Folders that could not be looked into. Shares that are recorded there do not count as missing. */
  readonly unreadableFolders: number;
  /** Whether the walk came to its end. */
  readonly complete: boolean;
}

/**
 * Compares every share in the backend with the records, some at a time, and records what has none (an adopted
 * Tahoe-LAFS folder, a database that lost its last moments); then looks for every record's share. Deletes nothing.
 * Serving goes on meanwhile.
 *
 * @param signal ends the walk early
 */
export async function adoptShares(parts: AdoptionParts, signal: AbortSignal): Promise<WalkOutcome> {
  const { backend, records, adoption, isUploading = () => false } = parts;
  let adopted = 0;
  let shares = 0;
  const unreadable = new Set<string>();
  for await (const page of backend.walk()) {
    if (signal.aborted) break;
    shares += page.shares.length;
    for (const { folder } of page.unreadable) unreadable.add(folder);
    const unrecorded = await records.unrecorded(page.shares.filter((share) => !isUploading(share)));
    adopted += (await adoption.adopt(unrecorded)).recorded;
    // Requests come first.
    await delay(0);
  }
  const missing = await countMissing(parts, unreadable, signal);
  return { adopted, missing, shares, unreadableFolders: unreadable.size, complete: !signal.aborted };
}

async function countMissing(
  { backend, records, quarantine }: AdoptionParts,
  unreadable: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<number> {
  let missing = 0;
  let last: ShareAddress | undefined;
  while (!signal.aborted) {
    const recorded = await records.stableAfter(last, recordsAtOnce);
    if (recorded.length === 0) break;
    last = recorded.at(-1);
    const found = new Set((await backend.inspect(recorded)).map(keyOf));
    const unseen = recorded.filter(
      (share) => !found.has(keyOf(share)) && !quarantine.has(share) && !liesIn(unreadable, share),
    );
    // What was collected in between has no record either.
    missing += unseen.length - (await records.unrecorded(unseen)).length;
    await delay(0);
  }
  return missing;
}

/** Whether a share would be in one of some folders: its own, or that of its section. */
function liesIn(folders: ReadonlySet<string>, { storageIndex }: ShareAddress): boolean {
  const folder = bucketFolder(storageIndex);
  return folders.has(folder) || folders.has(dirname(folder));
}
