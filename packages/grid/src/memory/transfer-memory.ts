import { Capacity, type Reservation } from '@holdfast/common/capacity';
import { NotEnoughMemoryError } from '../errors.js';

/** Part of the budget that is for transfers that have only begun. */
const beginningShare = 1 / 4;
/** Milliseconds that a transfer waits for its turn; its body may have taken hours to come in. */
const longestWait = 120_000;

/**
 * The memory, in bytes, that all uploads and downloads of a process may hold in their buffers at a time.
 *
 * A transfer has two stages. It begins with what it must have to know how large its work is: a body coming in, shares
 * being opened. Then it works. It may hold memory of the first stage while it waits for memory of the second, never
 * the other way round: so nobody waits in a circle, and slow senders cannot keep files that are there from being
 * stored.
 */
export class TransferMemory {
  /** For bodies that come in and shares that are being opened. */
  readonly beginning: Capacity;
  /** For encoding and sending, fetching and decoding. */
  readonly working: Capacity;

  /** @param size in bytes, for both stages together */
  constructor(
    readonly size: number,
    { longestWait: wait = longestWait }: { longestWait?: number } = {},
  ) {
    const beginning = Math.floor(size * beginningShare);
    this.beginning = new Capacity({ of: 'memory to begin with', size: beginning, longestWait: wait });
    this.working = new Capacity({ of: 'memory to work in', size: size - beginning, longestWait: wait });
  }

  /** The least budget in which stages of these sizes fit, in bytes. */
  static leastFor({ beginning, working }: { beginning: number; working: number }): number {
    return Math.ceil(Math.max(beginning / beginningShare, working / (1 - beginningShare)) + 1);
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
