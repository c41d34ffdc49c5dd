import { closeSync, read, rm, writev, writevSync } from 'node:fs';
import { promisify } from 'node:util';
import {
  type ByteRange,
  containerHeaderSize,
  encodeContainerHeader,
  encodeLeaseRecord,
  newestContainerVersion,
  storedLeaseSecret,
} from '@holdfast/lafs';
import { createFile } from './place-batch.js';
import type { IncomingShare, NewShare } from './share-backend.js';
import type { SharePlacer } from './share-placer.js';

const readFile = promisify(read);
const writeFile = promisify(writev);
const removeFile = promisify(rm);

/** Up to so many bytes are written at once: they only go to the page cache, and handing them over would cost more. */
const writtenAtOnce = 64 * 1024;
/**
 * Up to so many bytes a share that comes in one write has no file before it is placed, on the thread that does that.
 * Making a file waits for the syncs of all others on the disk: with two small shares the main thread stood still for
 * 2 ms.
 */
const heldWhole = 64 * 1024;
/** Most buffers in one call of writev (IOV_MAX on Linux is 1024). */
const mostBuffers = 1000;

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
  #descriptor: number | undefined;
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
    this.#lease = encodeLeaseRecord({
      owner: lease.owner,
      renewSecret: storedLeaseSecret(lease.renewSecret, newestContainerVersion),
      cancelSecret: storedLeaseSecret(lease.cancelSecret, newestContainerVersion),
      expiresAt: lease.expiresAt,
    });
  }

  async write(begin: number, chunks: readonly Uint8Array[]): Promise<void> {
    let end = begin;
    for (const chunk of chunks) end += chunk.length;
    const buffers = [...chunks];
    if (begin === 0) buffers.unshift(this.#header);
    if (end === this.#dataSize) buffers.push(this.#lease);
    if (begin === 0 && end === this.#dataSize && end <= heldWhole && this.#descriptor === undefined) {
      this.#whole = Buffer.concat(buffers);
      return;
    }
    const position = begin === 0 ? 0 : containerHeaderSize + begin;
    await writeAll(this.#file(), buffers, position, end - begin <= writtenAtOnce);
  }

  async readBack({ begin, end }: ByteRange): Promise<Uint8Array> {
    if (this.#whole) return this.#whole.subarray(containerHeaderSize + begin, containerHeaderSize + end);
    const buffer = Buffer.allocUnsafe(end - begin);
    const file = this.#file();
    const { bytesRead } = await readFile(file, buffer, 0, buffer.length, containerHeaderSize + begin);
    return buffer.subarray(0, bytesRead);
  }

  async place(): Promise<void> {
    if (this.#placed) return;
    const source = this.#whole ? { contents: this.#whole } : { descriptor: this.#file() };
    await this.#placer.place({ source, from: this.#path, ...this.#target });
    this.#placed = true;
  }

  async release(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    // What was synced needs no more writing at the close.
    if (descriptor !== undefined) closeSync(descriptor);
  }

  async discard(): Promise<void> {
    // A held share's file is made, renamed or removed by whoever places it; where that failed between, it is here.
    const begun = this.#descriptor !== undefined || this.#whole !== undefined;
    await this.release().catch(() => undefined);
    if (begun && !this.#placed) await removeFile(this.#path, { force: true });
  }

  #file(): number {
    this.#descriptor ??= createFile(this.#path);
    return this.#descriptor;
  }
}

/** Writes buffers one after the other, whatever the system takes at a time. */
async function writeAll(
  file: number,
  buffers: readonly Uint8Array[],
  position: number,
  atOnce: boolean,
): Promise<void> {
  let rest = [...buffers];
  let at = position;
  while (rest.length > 0) {
    const next = rest.slice(0, mostBuffers);
    const bytesWritten = atOnce ? writevSync(file, next, at) : (await writeFile(file, next, at)).bytesWritten;
    at += bytesWritten;
    let gone = bytesWritten;
    let whole = 0;
    while (whole < rest.length && gone >= (rest[whole] as Uint8Array).length) {
      gone -= (rest[whole] as Uint8Array).length;
      whole++;
    }
    rest = rest.slice(whole);
    if (gone > 0) rest[0] = (rest[0] as Uint8Array).subarray(gone);
  }
}
