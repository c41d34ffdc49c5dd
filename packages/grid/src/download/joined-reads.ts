import { Asker, whileAwaited } from '../connections/asker.js';
import type { StorageServer } from '../connections/storage-server.js';
import type { BufferPool } from '../memory/buffer-pool.js';

/** Most bytes of reads that are joined: as much as an upload sends in one request. */
const largestJoined = 1024 * 1024;

/** Memory is lent in multiples of so many bytes; for less, new memory costs less. */
const leastLent = 64 * 1024;

/** Bytes of a share, in memory that may be used again. */
export interface LentBytes {
  readonly bytes: Uint8Array;
  /** To be called when nobody will look at them any more, or not at all where that is not known. Again does no harm. */
  readonly release: () => void;
}

/** Somebody who wants the bytes from `start` up to `end` of a share. */
type Reader = Asker<{ readonly start: number; readonly end: number }, LentBytes>;

/**
 * Reads of one share. Ranges that follow each other and are asked for in one turn of the event loop are one request: what a
 * request costs both sides is as much as reading 200 kB.
 *
 * Answers come into memory that is used again, where there is a pool of it. With new memory for each, V8 looked through
 * everything it has two or three times for each 100 MB, on three threads, and the blocks had to be copied for the thread that
 * decodes: a large download took a third more time.
 */
export class JoinedReads {
  readonly #server: Pick<StorageServer, 'read' | 'nickname'>;
  readonly #storageIndex: Uint8Array;
  readonly #shareNumber: number;
  readonly #buffers: BufferPool | undefined;
  #waiting: Reader[] = [];

  constructor(
    server: Pick<StorageServer, 'read' | 'nickname'>,
    storageIndex: Uint8Array,
    shareNumber: number,
    buffers?: BufferPool,
  ) {
    this.#server = server;
    this.#storageIndex = storageIndex;
    this.#shareNumber = shareNumber;
    this.#buffers = buffers;
  }

  /**
   * The bytes from `start` up to `end` (exclusive); fewer where the share ends before.
   *
   * @param signal ends it; a request that others wait for too goes on for them
   * @throws StorageServerError
   */
  read(start: number, end: number, signal: AbortSignal): Promise<LentBytes> {
    const patience = { signal, within: undefined };
    const reader: Reader = new Asker({ start, end }, patience, () => this.#server.nickname);
    this.#waiting.push(reader);
    if (this.#waiting.length === 1) setImmediate(() => this.#begin());
    return reader.answer;
  }

  #begin(): void {
    const waiting = this.#waiting
      .filter(({ waits }) => waits)
      .sort((a, b) => a.question.start - b.question.start);
    this.#waiting = [];
    for (let readers = waiting; readers.length > 0; ) {
      const count = joinable(readers);
      void this.#readFor(readers.slice(0, count));
      readers = readers.slice(count);
    }
  }

  /** Never rejects. */
  async #readFor(readers: readonly Reader[]): Promise<void> {
    const start = readers[0]?.question.start ?? 0;
    const end = readers.at(-1)?.question.end ?? start;
    let memory: Uint8Array | undefined;
    let bytes: Uint8Array;
    try {
      memory = this.#take(end - start);
      const room = memory?.subarray(0, end - start);
      bytes = await whileAwaited(readers, (signal) =>
        this.#server.read(this.#storageIndex, this.#shareNumber, start, end, signal, undefined, room),
      );
    } catch (error) {
      this.#giveBack(memory);
      for (const reader of readers) reader.fail(error);
      return;
    }
    const looking = new Set(readers);
    const release = (reader: Reader) => {
      if (looking.delete(reader) && looking.size === 0) this.#giveBack(memory);
    };
    for (const reader of readers) {
      const { question, waits } = reader;
      if (waits) {
        const part = bytes.subarray(question.start - start, question.end - start);
        reader.give({ bytes: part, release: () => release(reader) });
      } else release(reader);
    }
  }

  /** Of few different sizes: the last read of each file has a size of its own, which hardly any other has. */
  #take(size: number): Uint8Array | undefined {
    return size < leastLent ? undefined : this.#buffers?.take(Math.ceil(size / leastLent) * leastLent);
  }

  #giveBack(memory: Uint8Array | undefined): void {
    if (memory) this.#buffers?.give([memory]);
  }
}

/** How many of the first ranges follow each other, and are not too much together. */
function joinable(readers: readonly Reader[]): number {
  const [first, ...others] = readers.map(({ question }) => question);
  let [count, last] = [1, first?.end];
  for (const next of others) {
    if (next.start !== last || next.end - (first?.start ?? 0) > largestJoined) break;
    count++;
    last = next.end;
  }
  return count;
}
