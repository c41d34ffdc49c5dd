import { timingSafeEqual } from 'node:crypto';
import { type ByteRange, ByteRangeSet, type ShareAddress } from '@holdfast/lafs';
import type { IncomingShare } from '../share-backend/share-backend.js';
import { StorageError } from '../storage-error.js';

/** Most separate pieces that an upload may lie in: each costs memory, and a client has no use for more. */
const mostFragments = 1024;

interface Claim {
  readonly range: ByteRange;
  readonly done: Promise<void>;
}

/** One share on its way in: which bytes are there, and what is being written at the moment. */
export class Upload {
  readonly share: ShareAddress;
  readonly size: number;
  readonly secret: Uint8Array;
  readonly account: number;
  /** Bytes promised for it on the disk. */
  readonly space: number;
  readonly #incoming: IncomingShare;
  readonly #written = new ByteRangeSet();
  /** Reads and writes of the file that are under way: it is closed only after them. */
  readonly #busy = new Set<Promise<unknown>>();
  #claims: Claim[] = [];
  /** Bytes that came of ranges of which others are still to come. */
  #underWay = 0;
  #ended = false;
  #placed = false;
  #lastByteAt = performance.now();
  readonly #begunAt = performance.now();

  constructor(fields: {
    readonly share: ShareAddress;
    readonly size: number;
    readonly secret: Uint8Array;
    readonly account: number;
    readonly space: number;
    readonly incoming: IncomingShare;
  }) {
    this.share = fields.share;
    this.size = fields.size;
    this.secret = fields.secret;
    this.account = fields.account;
    this.space = fields.space;
    this.#incoming = fields.incoming;
  }

  /** Whether every byte is there. */
  get complete(): boolean {
    return this.#written.size === this.size;
  }

  /** Bytes that are there. */
  get written(): number {
    return this.#written.size;
  }

  /** Bytes that have come, those of ranges that are not whole yet among them. */
  get arrived(): number {
    return this.#written.size + this.#underWay;
  }

  /** Whether the share is in its final place. */
  get placed(): boolean {
    return this.#placed;
  }

  /** What is still to come, in order. */
  get required(): ByteRange[] {
    return this.#written.missing({ begin: 0, end: this.size });
  }

  /** Whether it belongs to who asks: its account, with the secret that it was begun with. */
  belongsTo({
    uploadSecret,
    account,
  }: {
    readonly uploadSecret: Uint8Array;
    readonly account: number;
  }): boolean {
    return (
      this.account === account &&
      this.secret.length === uploadSecret.length &&
      timingSafeEqual(this.secret, uploadSecret)
    );
  }

  /** Milliseconds since a byte of it came. */
  get idleFor(): number {
    return performance.now() - this.#lastByteAt;
  }

  /** Milliseconds since it was begun. */
  get age(): number {
    return performance.now() - this.#begunAt;
  }

  /**
   * Writes one range. Its bytes count as written when all of them have come; a range that another request is just
   * writing is waited for. What is there already must be the same.
   *
   * @param range within the share
   * @param transfer calls `take` for each piece of the range, in order
   * @returns how many bytes are there now that were not before
   * @throws StorageError `conflicting-write`, `too-fragmented`, `no-such-upload` if it ends meanwhile; what `transfer`
   *   throws
   */
  async write(
    range: ByteRange,
    transfer: (take: (offset: number, chunks: Uint8Array[]) => Promise<void>) => Promise<void>,
  ): Promise<number> {
    const release = await this.#claim(range);
    let came = 0;
    try {
      if (this.#written.fragments >= mostFragments && this.#written.within(range).length === 0) {
        throw new StorageError('too-fragmented', `an upload may lie in ${mostFragments} pieces at most`);
      }
      const overlaps = this.#written.within(range).length > 0;
      await transfer(async (offset, chunks) => {
        this.#lastByteAt = performance.now();
        const size = chunks.reduce((sum, { length }) => sum + length, 0);
        came += size;
        this.#underWay += size;
        if (overlaps) await this.#writeAround(range.begin + offset, Buffer.concat(chunks));
        else await this.#use(() => this.#incoming.write(range.begin + offset, chunks));
      });
      if (this.#ended) throw ended();
      const before = this.#written.size;
      this.#written.add(range);
      return this.#written.size - before;
    } finally {
      this.#underWay -= came;
      this.#lastByteAt = performance.now();
      release();
    }
  }

  /** Puts the share in its final place, durably. */
  async place(): Promise<void> {
    await this.#use(() => this.#incoming.place());
    this.#placed = true;
  }

  /** Puts a share that came in one piece in its place once more, durably: somebody removed it from there. */
  placeAgain(): Promise<void> {
    return this.#use(() => this.#incoming.placeAgain());
  }

  /** Ends the upload and closes its file; requests still writing to it fail. What was not placed is removed. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.allSettled(this.#busy);
    await (this.#placed ? this.#incoming.release() : this.#incoming.discard());
  }

  /** Compares the parts that are there, then writes those that are not. */
  async #writeAround(begin: number, data: Uint8Array): Promise<void> {
    const range = { begin, end: begin + data.length };
    const part = (each: ByteRange) => data.subarray(each.begin - begin, each.end - begin);
    for (const known of this.#written.within(range)) {
      if (Buffer.compare(await this.#use(() => this.#incoming.readBack(known)), part(known)) !== 0) {
        throw new StorageError(
          'conflicting-write',
          `bytes ${known.begin}-${known.end - 1} differ from those written before`,
        );
      }
    }
    for (const gap of this.#written.missing(range)) {
      await this.#use(() => this.#incoming.write(gap.begin, [part(gap)]));
    }
  }

  async #use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#ended) throw ended();
    const working = work();
    this.#busy.add(working);
    try {
      return await working;
    } finally {
      this.#busy.delete(working);
    }
  }

  /** Waits until no other request is writing any of these bytes, then keeps others from them. */
  async #claim(range: ByteRange): Promise<() => void> {
    for (;;) {
      const other = this.#claims.find(
        (claim) => claim.range.begin < range.end && range.begin < claim.range.end,
      );
      if (!other) break;
      await other.done;
    }
    let finish = () => {};
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const claim = { range, done };
    this.#claims.push(claim);
    return () => {
      this.#claims = this.#claims.filter((each) => each !== claim);
      finish();
    };
  }
}

function ended(): StorageError {
  return new StorageError('no-such-upload', 'the upload has ended');
}
