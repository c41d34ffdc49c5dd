import { closeSync, fdatasync, mkdir, open, read, rename, rm, writev } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  type ByteRange,
  containerHeaderSize,
  encodeContainerHeader,
  encodeLeaseRecord,
  newestContainerVersion,
  type ShareAddress,
  storedLeaseSecret,
} from '@holdfast/lafs';
import type { BucketFolders } from './bucket-folders.js';
import type { DirectorySync } from './directory-sync.js';
import type { IncomingShare, NewShare } from './share-backend.js';

const openFile = promisify(open);
const readFile = promisify(read);
const writeFile = promisify(writev);
const syncFile = promisify(fdatasync);
const renameFile = promisify(rename);
const removeFile = promisify(rm);
const makeDirectory = promisify(mkdir);

/** Most buffers in one call of writev (IOV_MAX on Linux is 1024). */
const mostBuffers = 1000;

/**
 * A share that is being written into `incoming/`. Its header goes out with the write that has the first byte of data
 * and its lease with the one that has the last, so that a share that comes in one piece is written in one call.
 */
export class IncomingFile implements IncomingShare {
  readonly #path: string;
  readonly #share: ShareAddress;
  readonly #dataSize: number;
  readonly #header: Uint8Array;
  readonly #lease: Uint8Array;
  readonly #folders: BucketFolders;
  readonly #directorySync: DirectorySync;
  #descriptor: Promise<number> | undefined;
  #placed = false;

  constructor(
    path: string,
    share: ShareAddress,
    { dataSize, lease }: NewShare,
    folders: BucketFolders,
    directorySync: DirectorySync,
  ) {
    this.#path = path;
    this.#share = share;
    this.#dataSize = dataSize;
    this.#header = encodeContainerHeader({ dataSize, leaseCount: 1 });
    this.#lease = encodeLeaseRecord({
      owner: 0,
      renewSecret: storedLeaseSecret(lease.renewSecret, newestContainerVersion),
      cancelSecret: storedLeaseSecret(lease.cancelSecret, newestContainerVersion),
      expiresAt: lease.expiresAt,
    });
    this.#folders = folders;
    this.#directorySync = directorySync;
  }

  async write(begin: number, chunks: readonly Uint8Array[]): Promise<void> {
    let end = begin;
    for (const chunk of chunks) end += chunk.length;
    const buffers = [...chunks];
    if (begin === 0) buffers.unshift(this.#header);
    if (end === this.#dataSize) buffers.push(this.#lease);
    await writeAll(await this.#file(), buffers, begin === 0 ? 0 : containerHeaderSize + begin);
  }

  async readBack({ begin, end }: ByteRange): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(end - begin);
    const file = await this.#file();
    const { bytesRead } = await readFile(file, buffer, 0, buffer.length, containerHeaderSize + begin);
    return buffer.subarray(0, bytesRead);
  }

  async place(): Promise<void> {
    if (this.#placed) return;
    const file = await this.#file();
    const [folder] = await Promise.all([this.#folders.ensure(this.#share.storageIndex), syncFile(file)]);
    const name = String(this.#share.shareNumber);
    await renameFile(this.#path, join(folder, name)).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      // Somebody emptied the share folder under us.
      this.#folders.forget();
      await renameFile(this.#path, join(await this.#folders.ensure(this.#share.storageIndex), name));
    });
    this.#placed = true;
    await this.#directorySync.sync(folder);
  }

  async release(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    // What was synced needs no more writing at the close.
    if (descriptor) closeSync(await descriptor);
  }

  async discard(): Promise<void> {
    const begun = this.#descriptor !== undefined;
    await this.release().catch(() => undefined);
    if (begun && !this.#placed) await removeFile(this.#path, { force: true });
  }

  #file(): Promise<number> {
    this.#descriptor ??= this.#create().catch((error) => {
      this.#descriptor = undefined;
      throw error;
    });
    return this.#descriptor;
  }

  async #create(): Promise<number> {
    try {
      return await openFile(this.#path, 'w+', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await makeDirectory(dirname(this.#path), { recursive: true });
      return openFile(this.#path, 'w+', 0o600);
    }
  }
}

/** Writes buffers one after the other, whatever the system takes at a time. */
async function writeAll(file: number, buffers: readonly Uint8Array[], position: number): Promise<void> {
  let rest = [...buffers];
  let at = position;
  while (rest.length > 0) {
    const { bytesWritten } = await writeFile(file, rest.slice(0, mostBuffers), at);
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
