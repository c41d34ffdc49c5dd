import type { ShareAddress } from '@holdfast/lafs';
import type { ShareRecords } from '../records/share-records.js';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { findShares } from './find-shares.js';

/** Makes sure that shares that are in the backend have a stable record. */
export async function recordShares(
  backend: ShareBackend,
  records: ShareRecords,
  shares: readonly ShareAddress[],
): Promise<void> {
  const found = await findShares(backend, shares);
  if (found.length > 0) await records.adopt(found);
}
