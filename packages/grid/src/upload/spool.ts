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

/** Bytes that are written to disk in one call: whole pages, as no page should be written in two parts. */
const writeSize = 1024 * 1024;
/** What a body usually comes in, at most. */
const pieceSize = 64 * 1024;

/**
 * Bytes of memory that receiving a file takes at most: its pieces and one copy of them, as far as they stay in memory;
 * else what is being collected and what is being written.
 *
 * @param atMost the largest that the file can turn out, in bytes
 */
export function spoolMemory(inMemory: number, atMost: number): number {
  return 2 * (atMost <= inMemory ? atMost : Math.max(inMemory, writeSize)) + pieceSize;
}

/**
 * Receives a file whole, since its key is made of all of its content before the first byte can be encrypted. Up to
 * `inMemory` bytes stay in memory; a larger file goes to an unlinked file of `dir`, so that nothing is left behind
 * however the process ends.
 *
 * @param observeLarge called once when the file turns out larger than `inMemory`; what it returns sees every byte
 */
export async function spool(
  source: AsyncIterable<Uint8Array>,
  { dir, inMemory, observeLarge }: { dir: string; inMemory: number; observeLarge: () => ByteObserver },
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

  try {
    for await (const chunk of source) {
      pending.push(chunk);
      pendingSize += chunk.length;
      size += chunk.length;
      if (!observer) {
        if (size <= inMemory) continue;
        file = await openUnlinked(dir);
        observer = observeLarge();
        for (const each of pending) observer.update(each);
      } else {
        observer.update(chunk);
      }
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
