import { Capacity, type Reservation } from '@holdfast/common/capacity';
import { NotEnoughMemoryError } from '../errors.js';

/** Part of the budget that is for bodies that come in, and as much is for shares that are being opened. */
const beginningShare = 1 / 8;
/** Milliseconds that a transfer waits for its turn; its body may have taken hours to come in. */
const longestWait = 120_000;

/** How a budget is parted. */
export interface TransferMemoryOptions {
  /** Whether files come in at all; where none do, what would be for them is for opening shares. */
  readonly receives?: boolean;
  /** Milliseconds that a transfer waits for its turn. */
  readonly longestWait?: number;
}

/**
 * The memory, in bytes, that all uploads and downloads of a process may hold in their buffers at a time.
 *
 * A transfer has two stages. It begins with what it must have to know how large its work is: a body coming in, shares
 * being opened. Then it works. It may hold memory of the first stage while it waits for memory of the second, never
 * the other way round: so nobody waits in a circle, and slow senders cannot keep files that are there from being
 * stored. Bodies and openings have memory of their own, since a body takes as long as its sender likes: nobody who reads
 * or checks a file waits for that.
 */
export class TransferMemory {
  /** For bodies that come in. */
  readonly receiving: Capacity;
  /** For shares that are being opened or looked at; see `takeOpeningMemory`. */
  readonly opening: Capacity;
  /** For encoding and sending, fetching and decoding. */
  readonly working: Capacity;

  /** @param size in bytes, for all of them together */
  constructor(
    readonly size: number,
    { receives = true, longestWait: wait = longestWait }: TransferMemoryOptions = {},
  ) {
    const one = Math.floor(size * beginningShare);
    const receiving = receives ? one : 0;
    const opening = 2 * one - receiving;
    const part = (of: string, bytes: number) => new Capacity({ of, size: bytes, longestWait: wait });
    this.receiving = part('memory to receive files', receiving);
    this.opening = part('memory to open files', opening);
    this.working = part('memory to work in', size - receiving - opening);
  }

  /** The least budget in which stages of these sizes fit, in bytes. */
  static leastFor({ receiving, working }: { receiving: number; working: number }): number {
    return Math.ceil(Math.max(receiving / beginningShare, working / (1 - 2 * beginningShare)) + 1);
  }
}

/**
 * Takes memory of one stage for something, waiting where too little is left.
 *
 * @throws NotEnoughMemoryError where there is never enough; OverloadedError; or the signal's reason
 */
export async function takeMemory(
  stage: Capacity,
  needed: number,
  { what, signal }: { what: string; signal: AbortSignal | undefined },
): Promise<Reservation> {
  if (needed > stage.size) throw new NotEnoughMemoryError(what, needed, stage.size);
  return stage.take(needed, signal);
}

/**
 * Takes memory to open the shares of a file. What those of a huge file need beyond all that there is for openings is
 * taken from that for bodies: so it can be read, late where senders are slow, and who opens other files does not wait.
 *
 * @throws as `takeMemory`
 */
export async function takeOpeningMemory(
  { opening, receiving }: TransferMemory,
  needed: number,
  how: { what: string; signal: AbortSignal | undefined },
): Promise<Pick<Reservation, 'release'>> {
  const beyond = needed - opening.size;
  if (beyond <= 0) return takeMemory(opening, needed, how);
  if (beyond > receiving.size)
    throw new NotEnoughMemoryError(how.what, needed, opening.size + receiving.size);
  // This first, as it may take long; whoever holds memory for a body waits for none of the other.
  const borrowed = await receiving.take(beyond, how.signal);
  try {
    const own = await opening.take(opening.size, how.signal);
    return {
      release: () => {
        own.release();
        borrowed.release();
      },
    };
  } catch (error) {
    borrowed.release();
    throw error;
  }
}
