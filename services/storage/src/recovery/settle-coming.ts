import type { ShareAddress } from '@holdfast/lafs';
import type { ShareRecords } from '../records/share-records.js';
import type { ShareAdoption } from './share-adoption.js';

const batchSize = 1000;

/**
 * Settles what a stopped process left between backend and Postgres, before anything is served: a share that was
 * coming is stable if it reached its place, and forgotten if it did not.
 */
export async function settleComing(
  records: ShareRecords,
  adoption: ShareAdoption,
): Promise<{ kept: number; forgotten: number }> {
  let kept = 0;
  let forgotten = 0;
  let last: ShareAddress | undefined;
  for (;;) {
    const coming = await records.comingAfter(last, batchSize);
    if (coming.length === 0) return { kept, forgotten };
    last = coming.at(-1);
    const { found } = await adoption.adopt(coming);
    // Those that were kept are no longer coming, so this leaves them alone.
    await Promise.all(coming.map((share) => records.forget(share)));
    kept += found.length;
    forgotten += coming.length - found.length;
  }
}
