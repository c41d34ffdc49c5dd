import { largestWholeShare, type SharesAnswer } from '@holdfast/lafs';
import type { ShareBackend, StoredShare } from '../share-backend/share-backend.js';

/** The readable shares of a storage index: small ones opened, and the numbers of the others. */
export interface HeldShares extends Disposable {
  readonly opened: ReadonlyMap<number, StoredShare>;
  readonly others: ReadonlySet<number>;
  /** Of all that are opened. */
  readonly bytes: number;
  /** The shares as they are told to a client, those that are opened with their data. */
  read(): Promise<SharesAnswer>;
}

/**
 * Opens the small shares of a storage index, as many as fit; they are open until this is disposed of.
 *
 * @param most bytes of data that are wanted of them all together
 */
export async function openHeldShares(
  backend: Pick<ShareBackend, 'list' | 'read'>,
  storageIndex: Uint8Array,
  most: number,
): Promise<HeldShares> {
  const opened = new Map<number, StoredShare>();
  const others = new Set<number>();
  const release = () => {
    for (const share of opened.values()) share.release();
  };
  let bytes = 0;
  try {
    for (const shareNumber of await backend.list(storageIndex)) {
      const share = await backend.read({ storageIndex, shareNumber });
      if (!share) continue;
      if (share.size > largestWholeShare || bytes + share.size > most) {
        share.release();
        others.add(shareNumber);
      } else {
        opened.set(shareNumber, share);
        bytes += share.size;
      }
    }
  } catch (error) {
    release();
    throw error;
  }
  const read = async () => {
    const pairs = [...opened].map(
      async ([shareNumber, share]): Promise<[number, Uint8Array]> => [
        shareNumber,
        await share.read({ begin: 0, end: share.size }),
      ],
    );
    return { shares: new Map(await Promise.all(pairs)), others };
  };
  return { opened, others, bytes, read, [Symbol.dispose]: release };
}
