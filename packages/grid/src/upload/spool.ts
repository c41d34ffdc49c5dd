import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { LargeFile, sliceBuffers } from '@holdfast/common/large-files';

/** A file as it was received, readable at any place until it is closed. */
export interface SpooledFile {
  /** In bytes. */
  readonly size: number;
  /** Bytes of it that are held in memory. */
  readonly memory: number;
  /** Up to `length` bytes from `position` on, in `into` (of at least that length) where it has to be copied at all. */
  read(position: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What sees each byte of a file once, in order, while it comes in. */
export interface ByteObserver {
  update(bytes: Uint8Array): unknown;
}

/** What of a file that comes in is held in memory, in bytes. */
export interface SpoolSizes {
  /** A file up to this stays there whole. */
  readonly inMemory: number;
  /** Of a larger one, what is written to disk in one call: whole pages, as no page should be written in two parts. */
  readonly writeSize: number;
}

const mebibyte = 1024 * 1024;

/** How a file is received where there is memory enough: a file of one segment is stored without the disk. */
export const roomySizes = (largestSegment: number): SpoolSizes => ({
  inMemory: largestSegment,
  writeSize: mebibyte,
});

/**
 * How it is received where memory is short: a seventh of it, while large writes still go past the page cache. The files
 * that wait for their senders are then many.
 */
export const tightSizes: SpoolSizes = { inMemory: mebibyte / 8, writeSize: mebibyte / 8 };

/** What a body usually comes in, at most. */
const pieceSize = 64 * 1024;

/**
 * Bytes of memory that receiving a file takes at most: its pieces and one copy of them, as far as they stay in memory;
 * else what is being collected and what is being written.
 *
 * @param atMost the largest that the file can turn out, in bytes
 */
export function spoolMemory({ inMemory, writeSize }: SpoolSizes, atMost: number): number {
  return 2 * (atMost <= inMemory ? atMost : Math.max(inMemory, writeSize)) + pieceSize;
}

/** How a file is spooled. */
export interface SpoolOptions extends SpoolSizes {
  /** Where what does not stay in memory goes. */
  readonly dir: string;
  /** Larger than this, a file is observed. */
  readonly large: number;
  /** Called once, when the file turns out large; what it returns sees every byte. */
  readonly observeLarge: () => ByteObserver;
}

/**
 * Receives a file whole, since its key is made of all of its content before the first byte can be encrypted. What does
 * not stay in memory goes to an unlinked file, so that nothing is left behind however the process ends.
 */
export async function spool(
  source: AsyncIterable<Uint8Array>,
  { dir, inMemory, writeSize, large, observeLarge }: SpoolOptions,
): Promise<SpooledFile> {
  let pending: Uint8Array[] = [];
  let pendingSize = 0;
  let size = 0;
  let file: UnlinkedFile | undefined;
  let observer: ByteObserver | undefined;
  let writing: Promise<void> = Promise.resolve();
  let failure: Error | undefined;

  const flush = async (count: number): Promise<void> => {
    const chunks = sliceBuffers(pending, 0, count);
    const position = size - pendingSize;
    pending = sliceBuffers(pending, count);
    pendingSize -= count;
    // One write at a time: while it runs, the next chunks come in and are hashed.
    await writing;
    if (failure) throw failure;
    const target = file;
    if (!target) return;
    writing = target.content.write(position, chunks).catch((error: Error) => {
      failure = error;
    });
  };

  /** What came before the file was known to be large. */
  const catchUp = async (): Promise<ByteObserver> => {
    const begun = observeLarge();
    await writing;
    if (failure) throw failure;
    const written = size - pendingSize;
    if (file) for await (const piece of piecesOf(onDisk(file, written))) begun.update(piece);
    for (const each of pending) begun.update(each);
    return begun;
  };

  try {
    for await (const chunk of source) {
      pending.push(chunk);
      pendingSize += chunk.length;
      size += chunk.length;
      observer?.update(chunk);
      if (!observer && size > large) observer = await catchUp();
      if (size <= inMemory) continue;
      file ??= await openUnlinked(dir);
      while (pendingSize >= writeSize) await flush(writeSize);
    }
    if (!file) return inMemoryFile(pending, size);
    await flush(pendingSize);
    await writing;
    if (failure) throw failure;
    return onDisk(file, size);
  } catch (error) {
    await writing;
    if (file) await closeUnlinked(file);
    throw error;
  }
}

/** A spooled file's content from its beginning, in pieces as small as those that are written where memory is short. */
export async function* piecesOf(file: SpooledFile): AsyncGenerator<Uint8Array> {
  const { writeSize: step } = tightSizes;
  for (let at = 0; at < file.size; at += step) yield file.read(at, step);
}

function inMemoryFile(chunks: Uint8Array[], size: number): SpooledFile {
  const content = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
  return {
    size,
    memory: size,
    read: async (position, length) => content.subarray(position, Math.min(position + length, size)),
    close: async () => undefined,
  };
}

function onDisk(file: UnlinkedFile, size: number): SpooledFile {
  return {
    size,
    memory: 0,
    read: async (position, length, into) => {
      const wanted = Math.min(length, size - position);
      const buffer = into?.subarray(0, wanted) ?? Buffer.allocUnsafeSlow(wanted);
      if ((await file.content.read(position, buffer)) < wanted) {
        throw new Error('the spool file is shorter than what was written to it');
      }
      return buffer;
    },
    close: () => closeUnlinked(file),
  };
}

/** A file without a name: it is gone when it is closed. */
interface UnlinkedFile {
  readonly handle: FileHandle;
  readonly content: LargeFile;
}

async function openUnlinked(dir: string): Promise<UnlinkedFile> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, `upload-${randomBytes(8).toString('hex')}`);
  const handle = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    return { handle, content: new LargeFile(handle.fd) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function closeUnlinked({ handle, content }: UnlinkedFile): Promise<void> {
  await content.close();
  await handle.close();
}
