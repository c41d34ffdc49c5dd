import { mkdir } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bucketFolder } from '@holdfast/lafs';
import type { DirectorySync } from './directory-sync.js';

const makeDirectory = promisify(mkdir);

/** How many folders are remembered as being there. */
const remembered = 4096;

/** Makes the folders that shares lie in, and makes their being there durable. */
export class BucketFolders {
  readonly #root: string;
  readonly #directorySync: DirectorySync;
  /** Folders that are there durably, or are becoming so; the oldest first. */
  readonly #made = new Map<string, Promise<void>>();

  constructor(root: string, directorySync: DirectorySync) {
    this.#root = root;
    this.#directorySync = directorySync;
  }

  /** The folder of a storage index, there for sure. */
  async ensure(storageIndex: Uint8Array): Promise<string> {
    const folder = join(this.#root, bucketFolder(storageIndex));
    await this.#ensure(folder);
    return folder;
  }

  /** Takes no folder's being there for granted any more. */
  forget(): void {
    this.#made.clear();
  }

  #ensure(folder: string): Promise<void> {
    const known = this.#made.get(folder);
    if (known) return known;
    const making = this.#make(folder);
    this.#made.set(folder, making);
    making.catch(() => this.#made.delete(folder));
    if (this.#made.size > remembered) this.#made.delete(this.#made.keys().next().value as string);
    return making;
  }

  async #make(folder: string): Promise<void> {
    const parent = dirname(folder);
    if (parent !== this.#root) await this.#ensure(parent);
    await makeDirectory(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await this.#directorySync.sync(parent);
  }
}
