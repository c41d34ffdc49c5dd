import { setTimeout as delay } from 'node:timers/promises';
import { keyOf, type ShareRecords } from '../records/share-records.js';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { findShares } from './find-shares.js';

const batchSize = 500;

/** What a walk over all shares found. */
export interface Adoption {
  /** Shares that had no record and have one now. */
  readonly adopted: number;
  /** Stable records whose share is not in the backend. They are left as they are: no lease is ended for a lost disk. */
  readonly missing: number;
  /** Shares in the backend. */
  readonly shares: number;
  /** Whether the walk came to its end. */
  readonly complete: boolean;
}

/**
 * Compares every share in the backend with the records, section by section, and records what has none (an adopted
 * Tahoe-LAFS folder, a database that lost its last moments). Deletes nothing. Serving goes on meanwhile.
 *
 * @param signal ends the walk early
 */
export async function adoptShares(
  backend: ShareBackend,
  records: ShareRecords,
  signal: AbortSignal,
): Promise<Adoption> {
  let adopted = 0;
  let missing = 0;
  let shares = 0;
  for await (const section of backend.walk()) {
    if (signal.aborted) break;
    const recorded = new Map(
      (await records.between(section.first, section.last)).map((share) => [keyOf(share), share]),
    );
    const unknown = section.shares.filter((share) => !recorded.delete(keyOf(share)));
    for (let at = 0; at < unknown.length && !signal.aborted; at += batchSize) {
      const found = await findShares(backend, unknown.slice(at, at + batchSize));
      if (found.length > 0) adopted += await records.adopt(found);
    }
    shares += section.shares.length;
    // What was stored since the section was read is in the records and not in the section: look again.
    const unseen = [...recorded.values()].filter(({ state }) => state === 'stable');
    missing += unseen.length - (await findShares(backend, unseen)).length;
    // Requests come first.
    await delay(0);
  }
  return { adopted, missing, shares, complete: !signal.aborted };
}
