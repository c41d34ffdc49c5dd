import type { ShareAddress } from '@holdfast/lafs';
import type { FoundShare } from '../records/share-records.js';
import type { ShareBackend } from '../share-backend/share-backend.js';

/** Those of some shares that are whole in the backend, with their sizes. */
export async function findShares(
  backend: ShareBackend,
  shares: readonly ShareAddress[],
): Promise<FoundShare[]> {
  const found: FoundShare[] = [];
  for (const { storageIndex, shareNumber } of shares) {
    const share = await backend.read({ storageIndex, shareNumber });
    if (!share) continue;
    found.push({ storageIndex, shareNumber, size: share.size });
    share.release();
  }
  return found;
}
