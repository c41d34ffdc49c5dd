import type { ShareAddress } from '@holdfast/lafs';
import type { FoundShare } from '../records/share-records.js';
import type { ShareBackend } from '../share-backend/share-backend.js';

/** Those of some shares that are whole immutable shares in the backend, with their sizes. */
export async function findShares(
  backend: ShareBackend,
  shares: readonly ShareAddress[],
): Promise<FoundShare[]> {
  return (await backend.inspect(shares)).filter(({ kind }) => kind === 'immutable');
}
