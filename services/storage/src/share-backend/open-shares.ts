import { close, closeSync, fstatSync, open, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import {
  type ByteRange,
  containerHeaderSize,
  MalformedContainerError,
  parseContainerHeader,
} from '@holdfast/lafs';
import { ShareCutShortError } from '../damage/damage-in.js';
import type { QuickCalls } from './quick-calls.js';
import type { StoredShare } from './share-backend.js';

const openFile = promisify(open);
const readFile = promisify(read);
const closeFile = promisify(close);

/** A share's file and how it is laid out. */
interface OpenFile {
  readonly descriptor: number;
  readonly dataOffset: number;
  readonly dataSize: number;
}

interface Entry {
  readonly file: Promise<OpenFile | undefined>;
  /** Of the file, once it is open. */
  descriptor: number | undefined;
  readers: number;
  /** Whether it is to be closed with its last reader. */
  dropped: boolean;
  lastUsed: number;
}

/** Up to so many bytes are read at once where that is quick; copying more takes a thread's time better. */
const readAtOnce = 64 * 1024;

/** Milliseconds without a reader after which a file is closed: a removed share takes up its space until then. */
const keptFor = 30_000;

/**
 * Share files that are kept open for a while, the least recently used given up first: a download lists a storage
 * index and then reads its shares piece by piece. Shares never change once placed, so what is known of them stays true.
 */
export class OpenShares {
  readonly #entries = new Map<string, Entry>();
  readonly #limit: number;
  readonly #quick: QuickCalls;
  readonly #sweep = setInterval(() => this.#closeIdle(), keptFor / 2).unref();

  /** @param limit most files kept open beyond those being read */
  constructor(limit: number, quick: QuickCalls) {
    this.#limit = limit;
    this.#quick = quick;
  }

  /**
   * Opens the share at a path; undefined where there is none, or a mutable one.
   *
   * @throws MalformedContainerError, or the system's error
   */
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
      read: (range) => this.#readRange(descriptor, dataOffset, range),
      release: () => {
        if (held) this.#release(entry);
        held = false;
      },
    };
  }

  /** Opens the share at a path anew when it is next asked for: it was removed, or may have been. */
  forget(path: string): void {
    const entry = this.#entries.get(path);
    if (!entry) return;
    this.#entries.delete(path);
    this.#drop(entry);
  }

  /** Closes all files, those being read when their readers are done. */
  close(): void {
    clearInterval(this.#sweep);
    for (const entry of this.#entries.values()) this.#drop(entry);
    this.#entries.clear();
  }

  #entry(path: string): Entry {
    const known = this.#entries.get(path);
    if (known && !isRemoved(known)) {
      this.#entries.delete(path);
      this.#entries.set(path, known);
      known.lastUsed = performance.now();
      return known;
    }
    this.forget(path);
    const file = this.#openFile(path);
    const entry: Entry = {
      file,
      descriptor: undefined,
      readers: 0,
      dropped: false,
      lastUsed: performance.now(),
    };
    file.then(
      (opened) => {
        entry.descriptor = opened?.descriptor;
      },
      () => {
        // Told to whoever waits for the file.
      },
    );
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

  #closeIdle(): void {
    const before = performance.now() - keptFor;
    for (const [path, entry] of this.#entries) {
      if (entry.readers === 0 && entry.lastUsed < before) this.forget(path);
    }
  }

  #release(entry: Entry): void {
    entry.readers--;
    if (entry.dropped && entry.readers === 0) closeEntry(entry);
  }

  async #openFile(path: string): Promise<OpenFile | undefined> {
    let descriptor: number;
    try {
      descriptor = await this.#quick.do(
        () => openSync(path, 'r'),
        () => openFile(path, 'r'),
      );
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
    try {
      const { size } = fstatSync(descriptor);
      const header = Buffer.alloc(containerHeaderSize);
      const bytesRead = await this.#read(descriptor, header, 0);
      const { dataOffset, dataSize } = parseContainerHeader(header.subarray(0, bytesRead), size);
      return { descriptor, dataOffset, dataSize };
    } catch (error) {
      closeSync(descriptor);
      if (error instanceof MalformedContainerError && error.code === 'other-kind') return undefined;
      throw error;
    }
  }

  async #readRange(file: number, dataOffset: number, { begin, end }: ByteRange): Promise<Uint8Array> {
    // Not from the shared pool: the buffer lives until the client has taken it.
    const buffer = Buffer.allocUnsafeSlow(end - begin);
    let filled = 0;
    while (filled < buffer.length) {
      const bytesRead = await this.#read(file, buffer.subarray(filled), dataOffset + begin + filled);
      if (bytesRead === 0) throw new ShareCutShortError();
      filled += bytesRead;
    }
    return buffer;
  }

  async #read(file: number, into: Buffer, position: number): Promise<number> {
    const byThread = async () => (await readFile(file, into, 0, into.length, position)).bytesRead;
    if (into.length > readAtOnce) return byThread();
    return this.#quick.do(() => readSync(file, into, 0, into.length, position), byThread);
  }
}

/** Whether another process removed the file while it was kept open here. Cheaper at once than handed to a thread. */
function isRemoved({ descriptor, dropped }: Entry): boolean {
  return descriptor !== undefined && !dropped && isUnlinked(descriptor);
}

function isUnlinked(descriptor: number): boolean {
  return fstatSync(descriptor).nlink === 0;
}

/**
 * At once: to hand it to a thread was a fifth of what a server did to list shares. The blocks of a file that is removed
 * are given back with its last descriptor, though, and that is work for the disk.
 */
function closeDescriptor(descriptor: number): Promise<void> | void {
  return isUnlinked(descriptor) ? closeFile(descriptor) : closeSync(descriptor);
}

function closeEntry(entry: Entry): void {
  entry.file
    .then((file) => file && closeDescriptor(file.descriptor))
    .catch(() => {
      // It could not be opened, or is closed: either way nothing is left open.
    });
}
