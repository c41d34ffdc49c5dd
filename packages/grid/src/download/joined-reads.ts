import type { StorageServer } from '../connections/storage-server.js';
import { StorageServerError } from '../errors.js';

/** Most bytes of reads that are joined: as much as an upload sends in one request. */
const largestJoined = 1024 * 1024;

/** Somebody who wants a range of a share. */
interface Read {
  readonly start: number;
  readonly end: number;
  readonly give: (bytes: Uint8Array) => void;
  readonly fail: (error: unknown) => void;
  /** Whether its signal has ended it. */
  left: boolean;
  /** Called when it leaves. */
  onLeave: () => void;
}

/**
 * Reads of one share. Ranges that follow each other and are asked for in one turn of the event loop are one request: what a
 * request costs both sides is as much as reading 200 kB.
 */
export class JoinedReads {
  readonly #server: Pick<StorageServer, 'read' | 'nickname'>;
  readonly #storageIndex: Uint8Array;
  readonly #shareNumber: number;
  #waiting: Read[] = [];

  constructor(
    server: Pick<StorageServer, 'read' | 'nickname'>,
    storageIndex: Uint8Array,
    shareNumber: number,
  ) {
    this.#server = server;
    this.#storageIndex = storageIndex;
    this.#shareNumber = shareNumber;
  }

  /**
   * The bytes from `start` up to `end` (exclusive); fewer where the share ends before.
   *
   * @param signal ends it; a request that others wait for too goes on for them
   * @throws StorageServerError
   */
  read(start: number, end: number, signal: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        read.left = true;
        reject(
          new StorageServerError('aborted', this.#server.nickname, 'nobody waits for the answer any more'),
        );
        read.onLeave();
      };
      const settled = () => signal.removeEventListener('abort', leave);
      const read: Read = {
        start,
        end,
        give: (bytes) => {
          settled();
          resolve(bytes);
        },
        fail: (error) => {
          settled();
          reject(error);
        },
        left: false,
        onLeave: () => undefined,
      };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(read);
      if (this.#waiting.length === 1) setImmediate(() => this.#begin());
    });
  }

  #begin(): void {
    const waiting = this.#waiting.filter(({ left }) => !left).sort((a, b) => a.start - b.start);
    this.#waiting = [];
    for (let reads = waiting; reads.length > 0; ) {
      const count = joinable(reads);
      void this.#readAll(reads.slice(0, count));
      reads = reads.slice(count);
    }
  }

  /** Never rejects. */
  async #readAll(reads: readonly Read[]): Promise<void> {
    const [{ start }, { end }] = [reads[0] as Read, reads.at(-1) as Read];
    const wanted = new AbortController();
    for (const read of reads)
      read.onLeave = () => {
        if (reads.every(({ left }) => left)) wanted.abort();
      };
    try {
      const bytes = await this.#server.read(this.#storageIndex, this.#shareNumber, start, end, wanted.signal);
      for (const read of reads) read.give(bytes.subarray(read.start - start, read.end - start));
    } catch (error) {
      for (const { fail } of reads) fail(error);
    }
  }
}

/** How many of the first reads follow each other, and are not too much together. */
function joinable(reads: readonly Read[]): number {
  const { start, end } = reads[0] as Read;
  let [count, last] = [1, end];
  for (const next of reads.slice(1)) {
    if (next.start !== last || next.end - start > largestJoined) break;
    count++;
    last = next.end;
  }
  return count;
}
