import { closeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { LargeFile } from '@holdfast/common/large-files';
import {
  type ByteRange,
  containerHeaderSize,
  encodeContainerHeader,
  encodeLeaseRecord,
  newestContainerVersion,
  storedLeaseSecret,
} from '@holdfast/lafs';
import { createFile } from './place-batch.js';
import type { IncomingShare, NewLease, NewShare } from './share-backend.js';
import type { SharePlacer } from './share-placer.js';

/**
 * Up to so many bytes a share that comes in one write has no file before it is placed, on the thread that does that.
 * Making a file waits for the syncs of all others on the disk: with two small shares the main thread stood still for
 * 2 ms.
 */
const heldWhole = 64 * 1024;

/** The shares of one request have one lease: its secrets are hashed once for all of them. */
const encodedLeases = new WeakMap<NewLease, Uint8Array>();

/**
 * A share that is being written into `incoming/`. Its header goes out with the write that has the first byte of data
 * and its lease with the one that has the last, so that a share that comes in one piece is written in one call. A small
 * one that does is held in memory until it is placed.
 */
export class IncomingFile implements IncomingShare {
  readonly #path: string;
  readonly #target: { readonly folder: string; readonly name: string };
  readonly #dataSize: number;
  readonly #header: Uint8Array;
  readonly #lease: Uint8Array;
  readonly #placer: SharePlacer;
  #open: { readonly descriptor: number; readonly file: LargeFile } | undefined;
  /** The container of a share that came in one write, and has no file yet. */
  #whole: Uint8Array | undefined;
  #placed = false;

  /**
   * @param path where it is written
   * @param target the folder and the name that it gets in the end
   */
  constructor(
    path: string,
    target: { readonly folder: string; readonly name: string },
    { dataSize, lease }: NewShare,
    placer: SharePlacer,
  ) {
    this.#path = path;
    this.#target = target;
    this.#placer = placer;
    this.#dataSize = dataSize;
    this.#header = encodeContainerHeader({ dataSize, leaseCount: 1 });
    this.#lease = encodedLease(lease);
  }

  async write(begin: number, chunks: readonly Uint8Array[]): Promise<void> {
    let end = begin;
    for (const chunk of chunks) end += chunk.length;
    const buffers = [...chunks];
    if (begin === 0) buffers.unshift(this.#header);
    if (end === this.#dataSize) buffers.push(this.#lease);
    if (begin === 0 && end === this.#dataSize && end <= heldWhole && this.#open === undefined) {
      this.#whole = Buffer.concat(buffers);
      return;
    }
    const position = begin === 0 ? 0 : containerHeaderSize + begin;
    await this.#opened().file.write(position, buffers);
  }

  async readBack({ begin, end }: ByteRange): Promise<Uint8Array> {
    if (this.#whole) return this.#whole.subarray(containerHeaderSize + begin, containerHeaderSize + end);
    const buffer = Buffer.allocUnsafe(end - begin);
    const bytesRead = await this.#opened().file.read(containerHeaderSize + begin, buffer);
    return buffer.subarray(0, bytesRead);
  }

  async place(): Promise<void> {
    if (this.#placed) return;
    const source = this.#whole ? { contents: this.#whole } : { descriptor: this.#opened().descriptor };
    await this.#placer.place({ source, from: this.#path, ...this.#target });
    this.#placed = true;
  }

  async placeAgain(): Promise<void> {
    if (!this.#whole) throw new Error('only a share that is held whole can be placed again');
    // Where this fails nobody knows what of it is on the disk: whoever tries once more begins with `place`.
    this.#placed = false;
    await this.place();
  }

  async release(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return;
    await open.file.close();
    // What was synced needs no more writing at the close.
    closeSync(open.descriptor);
  }

  async discard(): Promise<void> {
    // A held share's file is made, renamed or removed by whoever places it; where that failed between, it is here.
    const begun = this.#open !== undefined || this.#whole !== undefined;
    await this.release().catch(() => undefined);
    if (begun && !this.#placed) await rm(this.#path, { force: true });
  }

  #opened(): { readonly descriptor: number; readonly file: LargeFile } {
    if (!this.#open) {
      const descriptor = createFile(this.#path);
      this.#open = { descriptor, file: new LargeFile(descriptor) };
    }
    return this.#open;
  }
}

function encodedLease(lease: NewLease): Uint8Array {
  const known = encodedLeases.get(lease);
  if (known) return known;
  const { owner, renewSecret, cancelSecret, expiresAt } = lease;
  const encoded = encodeLeaseRecord({
    owner,
    renewSecret: storedLeaseSecret(renewSecret, newestContainerVersion),
    cancelSecret: storedLeaseSecret(cancelSecret, newestContainerVersion),
    expiresAt,
  });
  encodedLeases.set(lease, encoded);
  return encoded;
}
