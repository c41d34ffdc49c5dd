import type { ChkVerifyCapability } from '@holdfast/lafs';
import type { FoundShare } from '../download/found-share.js';
import { StorageServerError } from '../errors.js';
import { type TransferMemory, takeMemory } from '../memory/transfer-memory.js';
import type { HowToRead } from './share-description.js';
import type { ShareVerdicts } from './sorted-shares.js';
import { verifyingMemory, verifyShare } from './verify-share.js';

/** Most shares of one file that are read at a time. */
const readAtOnce = 16;

/**
 * Verifies shares, several at a time.
 *
 * @throws OverloadedError where other transfers hold the memory for too long, NotEnoughMemoryError where there never is
 *   enough, or the signal's reason
 */
export async function verifyShares(
  shares: readonly FoundShare[],
  capability: ChkVerifyCapability,
  { memory, ...how }: HowToRead & { readonly memory: TransferMemory },
): Promise<ShareVerdicts> {
  const { signal } = how;
  const wrong = new Map<FoundShare, string>();
  const unread = new Map<FoundShare, StorageServerError>();
  const waiting = [...shares];
  const verifyInTurn = async () => {
    for (let share = waiting.shift(); share; share = waiting.shift()) {
      signal?.throwIfAborted();
      try {
        await verifyShare(share, capability, how);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof StorageServerError) unread.set(share, error);
        else wrong.set(share, (error as Error).message);
      }
    }
  };
  const toRead = shares.filter(({ data }) => !data).length;
  // Others want memory too: one file takes no more than half of it.
  const affordable = Math.max(1, Math.floor(memory.working.size / 2 / verifyingMemory));
  const atOnce = Math.min(readAtOnce, affordable, Math.max(1, toRead));
  if (toRead === 0) await verifyInTurn();
  else {
    const what = 'verifying the shares of a file';
    const working = await takeMemory(memory.working, atOnce * verifyingMemory, { what, signal });
    try {
      await Promise.all(Array.from({ length: atOnce }, verifyInTurn));
    } finally {
      working.release();
    }
  }
  return { wrong, unread };
}
