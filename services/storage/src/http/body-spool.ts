import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { isDiskFull } from '../disk-errors.js';
import type { Space } from '../space/space.js';
import { StorageError } from '../storage-error.js';
import { streamBody } from '../uploads/body-stream.js';

/** A body that has come whole. */
export interface SpooledBody {
  /** All of it. */
  read(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Receives large messages onto the disk, so that it costs no memory how slowly they come. */
export class BodySpool {
  readonly #folder: string;
  readonly #space: Space;

  /** @param folder that is cleared at every start */
  constructor(folder: string, space: Space) {
    this.#folder = folder;
    this.#space = space;
  }

  /**
   * Receives a body whole. Close what it gives.
   *
   * @param size bytes that it has
   * @throws StorageError `disk-full`, `range-body-mismatch`, `body-incomplete`
   */
  async receive(request: IncomingMessage, size: number): Promise<SpooledBody> {
    const space = this.#space;
    await space.available();
    if (!space.promise(size)) throw new StorageError('disk-full', 'this server has no room for the request');
    let file: FileHandle | undefined;
    const close = async () => {
      space.release(size);
      await file?.close();
    };
    try {
      const opened = await this.#nameless();
      file = opened;
      await streamBody(request, size, async (offset, chunks) => {
        let at = offset;
        for (const chunk of chunks) at = await writeWhole(opened, chunk, at);
      });
      return { read: () => readWhole(opened, size), close };
    } catch (error) {
      await close();
      throw isDiskFull(error)
        ? new StorageError('disk-full', 'the disk of this server is full', { cause: error })
        : error;
    }
  }

  /** A file that is gone when it is closed, however this process ends. */
  async #nameless(): Promise<FileHandle> {
    await mkdir(this.#folder, { recursive: true });
    const path = join(this.#folder, `${randomBytes(16).toString('hex')}.message`);
    const file = await open(path, 'wx+', 0o600);
    await rm(path);
    return file;
  }
}

async function writeWhole(file: FileHandle, data: Uint8Array, position: number): Promise<number> {
  let written = 0;
  while (written < data.length) {
    written += (await file.write(data, written, data.length - written, position + written)).bytesWritten;
  }
  return position + written;
}

async function readWhole(file: FileHandle, size: number): Promise<Uint8Array> {
  const data = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await file.read(data, filled, size - filled, filled);
    if (bytesRead === 0) throw new Error('a spooled message became shorter');
    filled += bytesRead;
  }
  return data;
}
