import type { ShareAddress } from '@holdfast/lafs';
import { Seeded } from './seeded.js';
import type { TestClient } from './test-client.js';

/** A share that the server acknowledged, or was asked to take. */
export interface LoadedShare extends ShareAddress {
  readonly data: Uint8Array;
}

/** A mutable share: what it was last acknowledged to hold, and what was sent since without an answer. */
export interface LoadedSlot extends ShareAddress {
  acknowledged: Uint8Array | undefined;
  unanswered: Uint8Array[];
}

/** An answer that a good server never gives, whatever dies around it. */
export class WrongAnswerError extends Error {
  override readonly name = 'WrongAnswerError';
}

/**
 * Clients that do everything at once: they store, give up, renew, read and change, and keep account of what the server
 * acknowledged. Where the server dies under them, or says that it cannot just now, nothing was promised.
 */
export class MixedLoad {
  /** Immutable shares whose last byte was answered with 201. */
  readonly stored: LoadedShare[] = [];
  /** All that was ever begun: what of it is there must be whole. */
  readonly begun: LoadedShare[] = [];
  readonly slots: LoadedSlot[] = [];
  /** Shares that were stored and then let go of. */
  readonly forsaken: LoadedShare[] = [];
  /** When a renewal of a storage index was sent that was acknowledged, by hex. Milliseconds since 1970. */
  readonly renewed = new Map<string, number>();
  readonly #client: TestClient;
  readonly #random: Seeded;

  constructor(client: TestClient, seed: number) {
    this.#client = client;
    this.#random = new Seeded(seed);
  }

  /** Works with so many clients until `signal` is aborted; then resolves when all of them are done. */
  async run(clients: number, signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: clients }, () => this.#work(signal)));
  }

  /** Lets go of some stored shares: nobody renews or reads them any more. To be called while nobody is at work. */
  forsake(count: number): LoadedShare[] {
    const forsaken = this.stored.splice(0, count);
    const indexes = new Set(forsaken.map(({ storageIndex }) => storageIndex));
    this.forsaken.push(...forsaken);
    this.begun.splice(0, this.begun.length, ...this.begun.filter((each) => !indexes.has(each.storageIndex)));
    return forsaken;
  }

  async #work(signal: AbortSignal): Promise<void> {
    const steps = [
      () => this.#store(),
      () => this.#store(),
      () => this.#giveUp(),
      () => this.#renew(),
      () => this.#renew(),
      () => this.#read(),
      () => this.#change(),
      () => this.#change(),
    ];
    while (!signal.aborted) {
      try {
        await this.#random.pick(steps)();
      } catch (error) {
        if (error instanceof WrongAnswerError) throw error;
        // The server died under us, as it should.
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  #newShare(): LoadedShare {
    const random = this.#random;
    const length = 1 + (random.next() < 0.8 ? random.below(3_000) : random.below(150_000));
    const share = {
      storageIndex: random.bytes(16),
      shareNumber: random.below(3),
      data: random.bytes(length),
    };
    this.begun.push(share);
    return share;
  }

  async #store(): Promise<void> {
    const share = this.#newShare();
    const { length } = share.data;
    const granted = await this.#client.allocated(share.storageIndex, [share.shareNumber], length);
    if (granted.length === 0) return;
    const cut = this.#random.below(length);
    if (cut > 0) await this.#client.write(share, { begin: 0, end: cut }, share.data.subarray(0, cut));
    const { status } = await this.#client.write(share, { begin: cut, end: length }, share.data.subarray(cut));
    if (status === 201) this.stored.push(share);
    else expectNotNow(status, 'a write');
  }

  async #giveUp(): Promise<void> {
    const share = this.#newShare();
    const { length } = share.data;
    await this.#client.allocated(share.storageIndex, [share.shareNumber], length + 1);
    await this.#client.write(share, { begin: 0, end: length }, share.data);
    await this.#client.abort(share);
  }

  async #renew(): Promise<void> {
    if (this.stored.length === 0) return;
    const { storageIndex } = this.#random.pick(this.stored);
    const sent = Date.now();
    const { status } = await this.#client.renew(storageIndex);
    if (status === 204) this.renewed.set(Buffer.from(storageIndex).toString('hex'), sent);
    else expectNotNow(status, 'a renewal');
  }

  async #read(): Promise<void> {
    if (this.stored.length === 0) return;
    const share = this.#random.pick(this.stored);
    const { status, body } = await this.#client.read(share);
    if (status !== 200) expectNotNow(status, 'a read');
    else if (Buffer.compare(body, share.data) !== 0) throw new WrongAnswerError('other bytes were read');
  }

  async #change(): Promise<void> {
    const random = this.#random;
    let slot = random.next() < 0.7 && this.slots.length > 0 ? this.slots.shift() : undefined;
    slot ??= {
      storageIndex: random.bytes(16),
      shareNumber: random.below(3),
      acknowledged: undefined,
      unanswered: [],
    };
    const data = random.bytes(1 + random.below(5_000));
    // Out of the list while it is written: one writer a slot, so that it is known what it must hold.
    slot.unanswered.push(data);
    try {
      await this.#client.storeMutable(slot, data);
      slot.acknowledged = data;
      slot.unanswered = [];
    } finally {
      this.slots.push(slot);
    }
  }
}

/** 503 is said while Postgres is away or the server not ready; a read of what was acknowledged has no other way out. */
function expectNotNow(status: number, what: string): void {
  if (status !== 503) throw new WrongAnswerError(`${what} was answered with ${status}`);
}
