import type { ShareUpload } from './share-upload.js';

/** Where the blocks of each segment are put down: in the shares on their way, and for shares that nobody needs, aside. */
export class BlockRooms {
  readonly #uploads: ReadonlyMap<number, ShareUpload>;
  readonly #shares: readonly number[];
  readonly #buffer: (size: number) => Uint8Array;
  /** One buffer for each share that is not uploaded: its blocks are made for their hashes only. */
  readonly #aside = new Map<number, Uint8Array>();

  /**
   * @param shares the numbers of those whose blocks are made
   * @param buffer makes a buffer of so many bytes
   */
  constructor(
    uploads: readonly ShareUpload[],
    shares: readonly number[],
    buffer: (size: number) => Uint8Array,
  ) {
    this.#uploads = new Map(uploads.map((upload) => [upload.shareNumber, upload]));
    this.#shares = shares;
    this.#buffer = buffer;
  }

  /** A place of `blockSize` bytes for each share, in their order. Waits until every share has one. */
  take(blockSize: number): Promise<Uint8Array[]> {
    return Promise.all(
      this.#shares.map((share) => {
        const upload = this.#uploads.get(share);
        return upload ? upload.room(blockSize) : this.#roomAside(share, blockSize);
      }),
    );
  }

  #roomAside(share: number, blockSize: number): Uint8Array {
    const kept = this.#aside.get(share) ?? this.#buffer(blockSize);
    this.#aside.set(share, kept);
    return kept.subarray(0, blockSize);
  }
}
