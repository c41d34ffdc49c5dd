import { closeSync, constants, openSync, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { alignedBufferSize, alignment, withAlignedBuffer } from './aligned-buffers.js';
import { sliceBuffers, totalLength, writeAll } from './write-all.js';

const readInto = promisify(read);
const writeFrom = promisify(write);

/** From so many bytes on, a transfer past the page cache costs less than one through it. */
const leastDirect = 128 * 1024;

/**
 * An open file whose large pieces are read and written past the system's page cache, where the system can do that.
 *
 * What is written once and synced soon, or read once, gains nothing from the cache and pays for it: in a virtual
 * machine whose host takes unused memory back, writing 333 MB through it took 0.9 s of processor time, and past it
 * 0.05 s; the disk was done sooner too. Only whole pages can go past: a piece's first and last bytes that share a page
 * with its neighbours go through the cache, which the system keeps true.
 *
 * Where there is no `O_DIRECT` (macOS), no `/proc`, or a file system refuses it, all goes through the cache.
 */
export class LargeFile {
  readonly #descriptor: number;
  /** The same file, opened for direct transfers; undefined until the first, null where it cannot be. */
  #direct: number | null | undefined;
  #refused = false;
  readonly #underWay = new Set<Promise<unknown>>();

  /** @param descriptor of a file that is open for reading and writing; whoever opened it closes it, after this */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * Writes buffers one after the other from `position` on.
   *
   * @throws Error of the system; how much was written is then unknown
   */
  write(position: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#during(() => this.#write(position, buffers));
  }

  /**
   * Reads from `position` on until `into` is full or the file ends.
   *
   * @returns how many bytes were read
   */
  read(position: number, into: Uint8Array): Promise<number> {
    return this.#during(() => this.#read(position, into));
  }

  /** Ends direct transfers, when those under way are done. The file itself stays open. */
  async close(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    if (typeof this.#direct === 'number') closeSync(this.#direct);
    this.#direct = null;
  }

  async #during<T>(work: () => Promise<T>): Promise<T> {
    const working = work();
    this.#underWay.add(working);
    try {
      return await working;
    } finally {
      this.#underWay.delete(working);
    }
  }

  async #write(position: number, buffers: readonly Uint8Array[]): Promise<void> {
    const end = position + totalLength(buffers);
    const begin = roundUp(position);
    const directEnd = roundDown(end);
    if (directEnd - begin < leastDirect || !this.#takesDirect()) {
      return writeAll(this.#descriptor, position, buffers);
    }
    await writeAll(this.#descriptor, position, sliceBuffers(buffers, 0, begin - position));
    await withAlignedBuffer(async (aligned) => {
      for (let at = begin; at < directEnd; at += alignedBufferSize) {
        const size = Math.min(alignedBufferSize, directEnd - at);
        const pieces = sliceBuffers(buffers, at - position, at - position + size);
        await this.#writeDirect(at, gather(aligned, pieces));
      }
    });
    await writeAll(this.#descriptor, directEnd, sliceBuffers(buffers, directEnd - position));
  }

  async #read(position: number, into: Uint8Array): Promise<number> {
    const end = position + into.length;
    if (into.length < leastDirect || !this.#takesDirect()) return this.#readCached(position, into);
    return withAlignedBuffer(async (aligned) => {
      let at = position;
      while (at < end) {
        const begin = roundDown(at);
        const window = Math.min(alignedBufferSize, roundUp(end) - begin);
        const skip = at - begin;
        const came = Math.max(0, (await this.#readDirect(begin, aligned.subarray(0, window))) - skip);
        const wanted = Math.min(window - skip, end - at);
        const size = Math.min(came, wanted);
        copyOut(aligned.subarray(skip, skip + size), into, at - position);
        at += size;
        if (came < wanted) break;
      }
      return at - position;
    });
  }

  async #writeDirect(position: number, bytes: Uint8Array): Promise<void> {
    // After a short write the rest may begin anywhere.
    let written = 0;
    try {
      while (this.#takesDirect() && written % alignment === 0 && written < bytes.length) {
        const rest = bytes.subarray(written);
        const { bytesWritten } = await writeFrom(
          this.#direct as number,
          rest,
          0,
          rest.length,
          position + written,
        );
        written += bytesWritten;
      }
    } catch (error) {
      this.#noteRefusal(error);
    }
    if (written < bytes.length)
      await writeAll(this.#descriptor, position + written, [bytes.subarray(written)]);
  }

  async #readDirect(position: number, into: Uint8Array): Promise<number> {
    try {
      if (this.#takesDirect()) {
        const { bytesRead } = await readInto(this.#direct as number, into, 0, into.length, position);
        // Short where the file ends, and rarely elsewhere: what may be left is asked for through the cache.
        return bytesRead + (await this.#readCached(position + bytesRead, into.subarray(bytesRead)));
      }
    } catch (error) {
      this.#noteRefusal(error);
    }
    return this.#readCached(position, into);
  }

  async #readCached(position: number, into: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < into.length) {
      const left = into.length - filled;
      const { bytesRead } = await readInto(this.#descriptor, into, filled, left, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  /** Some file systems refuse direct transfers only when they come. Any other error is one. */
  #noteRefusal(error: unknown): void {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    this.#refused = true;
  }

  #takesDirect(): boolean {
    if (this.#direct === undefined) {
      this.#direct = null;
      if (constants.O_DIRECT !== undefined) {
        try {
          // By its descriptor, as it may have no name any more.
          const path = `/proc/self/fd/${this.#descriptor}`;
          this.#direct = openSync(path, constants.O_RDWR | constants.O_DIRECT);
        } catch {
          // No direct transfers, then.
        }
      }
    }
    return this.#direct !== null && !this.#refused;
  }
}

function gather(into: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array {
  let at = 0;
  for (const piece of pieces) {
    into.set(piece, at);
    at += piece.length;
  }
  return into.subarray(0, at);
}

/** Natively, also into memory that threads share, where `set` goes byte by byte. */
function copyOut(from: Uint8Array, into: Uint8Array, at: number): void {
  if (from.length > 0) Buffer.prototype.fill.call(into, from, at, at + from.length);
}

function roundUp(position: number): number {
  return Math.ceil(position / alignment) * alignment;
}

function roundDown(position: number): number {
  return Math.floor(position / alignment) * alignment;
}
