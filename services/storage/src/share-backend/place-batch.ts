import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Where a share is found. */
export interface Place {
  /** The folder of its storage index. */
  readonly folder: string;
  /** Its name there: the share number. */
  readonly name: string;
}

/** A share whose bytes are all there, to be put where it is found. Its folder is made if it is not there. */
export interface Placing extends Place {
  /** The open file that has its bytes; or the bytes, of which a file is still to be made. */
  readonly source: { readonly descriptor: number } | { readonly contents: Uint8Array };
  /** The file's path in `incoming/`. */
  readonly from: string;
}

/** Why a share was not placed or removed: the system's error, as data that passes between threads. */
export interface PlacingFailure {
  readonly code: string;
  readonly message: string;
}

/** Folders remembered as durably there. */
const remembered = 4096;

/** How often a share is tried to be placed while somebody removes its folder under it. */
const mostAttempts = 3;

/**
 * Puts shares in their places, durably, many at a time. Everything in it waits for the disk: not for the main thread.
 */
export class BatchPlacer {
  readonly #durable = new Set<string>();
  readonly #sync: (folder: string) => void;

  /** @param sync makes what was changed in a folder durable */
  constructor(sync: (folder: string) => void = syncFolder) {
    this.#sync = sync;
  }

  /**
   * Writes each file that is still to be made, syncs it, renames it, and syncs each folder that has changed, once for
   * all that changed in it: each step for the whole batch, since the first sync brings most of the rest along. A folder
   * whose sync fails fails the shares that need it, and no others. These are taken from their places again: found there,
   * they would count as stored. What was in such a place before stays, in its new version.
   *
   * @returns for each placing why it failed; undefined where the share is in its place for good
   */
  place(batch: readonly Placing[]): (PlacingFailure | undefined)[] {
    const files = batch.map((placing) => {
      let descriptor = -1;
      const failure = attempt(() => {
        descriptor = openSource(placing);
      });
      return { placing, descriptor, failure };
    });
    const moved = files.map(({ placing, descriptor, failure: unwritten }) => {
      let folders: readonly string[] = [];
      let replaces = false;
      const failure =
        unwritten ??
        attempt(() => {
          fdatasyncSync(descriptor);
          replaces = existsSync(pathOf(placing));
          folders = [...this.#moveIntoPlace(placing), placing.folder];
        });
      if (descriptor >= 0 && 'contents' in placing.source) closeSync(descriptor);
      return { placing, failure, folders, replaces };
    });
    const synced = new Map<string, PlacingFailure | undefined>();
    for (const folder of new Set(moved.flatMap(({ folders }) => folders))) {
      synced.set(
        folder,
        attempt(() => this.#sync(folder)),
      );
    }
    return moved.map(({ placing, failure, folders, replaces }) => {
      const unsynced = folders.map((folder) => synced.get(folder)).find((problem) => problem !== undefined);
      if (unsynced && !replaces) attempt(() => removeFile(pathOf(placing)));
      return failure ?? unsynced ?? this.#remember(placing);
    });
  }

  /** Renames the file, making its folder if need be; returns the folders above it that this changed. */
  #moveIntoPlace(placing: Placing, attempts = mostAttempts): string[] {
    const made = this.#make(placing.folder);
    try {
      renameSync(placing.from, pathOf(placing));
      return made;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempts === 1) throw error;
      // Somebody removed a folder that was there: a collection, which found it empty.
      this.#durable.clear();
      return [...made, ...this.#moveIntoPlace(placing, attempts - 1)];
    }
  }

  /** Makes a folder, and those above it, that are not known to be there; returns the folders that this changed. */
  #make(folder: string): string[] {
    if (this.#durable.has(folder)) return [];
    const parent = dirname(folder);
    try {
      mkdirSync(folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return [...this.#make(parent), ...this.#make(folder)];
      if (code !== 'EEXIST') throw error;
    }
    // Also where it was there: whoever made it may have died before it was durable.
    return [parent];
  }

  #remember({ folder }: Placing): undefined {
    this.#durable.add(folder);
    if (this.#durable.size > remembered) this.#durable.delete(this.#durable.values().next().value as string);
  }
}

function pathOf({ folder, name }: Place): string {
  return join(folder, name);
}

/** As that of `@holdfast/common/files`, for a thread which waits for the disk anyway. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The open file of a share, made from its contents where there is none. */
function openSource({ source, from }: Placing): number {
  if ('descriptor' in source) return source.descriptor;
  const descriptor = createFile(from);
  try {
    for (let at = 0; at < source.contents.length; ) at += writeSync(descriptor, source.contents, at);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    removeFile(from);
    throw error;
  }
}

/** Opens a new file for writing and reading, making its folder if somebody removed it. */
export function createFile(path: string): number {
  try {
    return openSync(path, 'w+', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'w+', 0o600);
  }
}

/** Removes a file; one that is not there is removed already. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  }
}

/** Does something, and says how the system refused it; undefined where it did not. */
export function attempt(work: () => void): PlacingFailure | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    const { code = 'EIO', message } = error as NodeJS.ErrnoException;
    return { code, message };
  }
}
