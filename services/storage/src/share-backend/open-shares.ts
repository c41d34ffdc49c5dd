import { close, fstat, open, read } from 'node:fs';
import { promisify } from 'node:util';
import {
  type ByteRange,
  containerHeaderSize,
  MalformedContainerError,
  parseContainerHeader,
} from '@holdfast/lafs';
import type { StoredShare } from './share-backend.js';

const openFile = promisify(open);
const readFile = promisify(read);
const statFile = promisify(fstat);
const closeFile = promisify(close);

/** A share's file and how it is laid out. */
interface OpenFile {
  readonly descriptor: number;
  readonly dataOffset: number;
  readonly dataSize: number;
}

interface Entry {
  readonly file: Promise<OpenFile | undefined>;
  readers: number;
  /** Whether it is to be closed with its last reader. */
  dropped: boolean;
}

/**
 * Share files that are kept open for a while, the least recently used given up first: a download lists a storage
 * index and then reads its shares piece by piece. Shares never change once placed, so what is known of them stays true.
 */
export class OpenShares {
  readonly #entries = new Map<string, Entry>();
  readonly #limit: number;
  readonly #onMalformed: (path: string, error: MalformedContainerError) => void;

  /**
   * @param limit most files kept open beyond those being read
   * @param onMalformed told of a file that is no immutable share
   */
  constructor(limit: number, onMalformed: (path: string, error: MalformedContainerError) => void) {
    this.#limit = limit;
    this.#onMalformed = onMalformed;
  }

  /** Opens the share at a path; undefined where there is none. */
  async open(path: string): Promise<StoredShare | undefined> {
    const entry = this.#entry(path);
    entry.readers++;
    let file: OpenFile | undefined;
    try {
      file = await entry.file;
    } finally {
      if (!file) {
        if (this.#entries.get(path) === entry) this.#entries.delete(path);
        entry.readers--;
      }
    }
    if (!file) return undefined;
    const { descriptor, dataOffset, dataSize } = file;
    let held = true;
    return {
      size: dataSize,
      read: (range) => readRange(descriptor, dataOffset, range),
      release: () => {
        if (held) this.#release(entry);
        held = false;
      },
    };
  }

  /** Closes all files, those being read when their readers are done. */
  close(): void {
    for (const entry of this.#entries.values()) this.#drop(entry);
    this.#entries.clear();
  }

  #entry(path: string): Entry {
    const known = this.#entries.get(path);
    if (known) {
      this.#entries.delete(path);
      this.#entries.set(path, known);
      return known;
    }
    const entry: Entry = { file: this.#openFile(path), readers: 0, dropped: false };
    this.#entries.set(path, entry);
    if (this.#entries.size > this.#limit) {
      const [oldest, dropped] = this.#entries.entries().next().value as [string, Entry];
      this.#entries.delete(oldest);
      this.#drop(dropped);
    }
    return entry;
  }

  #drop(entry: Entry): void {
    entry.dropped = true;
    if (entry.readers === 0) closeEntry(entry);
  }

  #release(entry: Entry): void {
    entry.readers--;
    if (entry.dropped && entry.readers === 0) closeEntry(entry);
  }

  async #openFile(path: string): Promise<OpenFile | undefined> {
    let descriptor: number;
    try {
      descriptor = await openFile(path, 'r');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
    try {
      const header = Buffer.alloc(containerHeaderSize);
      const [{ size }, { bytesRead }] = await Promise.all([
        statFile(descriptor),
        readFile(descriptor, header, 0, header.length, 0),
      ]);
      const { dataOffset, dataSize } = parseContainerHeader(header.subarray(0, bytesRead), size);
      return { descriptor, dataOffset, dataSize };
    } catch (error) {
      await closeFile(descriptor);
      if (!(error instanceof MalformedContainerError)) throw error;
      this.#onMalformed(path, error);
      return undefined;
    }
  }
}

function closeEntry(entry: Entry): void {
  entry.file
    .then((file) => file && closeFile(file.descriptor))
    .catch(() => {
      // It could not be opened, or is closed: either way nothing is left open.
    });
}

async function readRange(file: number, dataOffset: number, { begin, end }: ByteRange): Promise<Uint8Array> {
  // Not from the shared pool: the buffer lives until the client has taken it.
  const buffer = Buffer.allocUnsafeSlow(end - begin);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await readFile(
      file,
      buffer,
      filled,
      buffer.length - filled,
      dataOffset + begin + filled,
    );
    if (bytesRead === 0) throw new Error('a share file became shorter while it was read');
    filled += bytesRead;
  }
  return buffer;
}
