import { Asker, whileAwaited } from '../connections/asker.js';
import type { StorageServer } from '../connections/storage-server.js';

/** Most bytes of reads that are joined: as much as an upload sends in one request. */
const largestJoined = 1024 * 1024;

/** Somebody who wants the bytes from `start` up to `end` of a share. */
type Reader = Asker<{ readonly start: number; readonly end: number }, Uint8Array>;

/**
 * Reads of one share. Ranges that follow each other and are asked for in one turn of the event loop are one request: what a
 * request costs both sides is as much as reading 200 kB.
 */
export class JoinedReads {
  readonly #server: Pick<StorageServer, 'read' | 'nickname'>;
  readonly #storageIndex: Uint8Array;
  readonly #shareNumber: number;
  #waiting: Reader[] = [];

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
    try {
      const bytes = await whileAwaited(readers, (signal) =>
        this.#server.read(this.#storageIndex, this.#shareNumber, start, end, signal),
      );
      for (const reader of readers)
        reader.give(bytes.subarray(reader.question.start - start, reader.question.end - start));
    } catch (error) {
      for (const reader of readers) reader.fail(error);
    }
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
