import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A share whose bytes are all in its file, to be put where it is found. */
export interface Placing {
  /** Of the open file. */
  readonly descriptor: number;
  /** The file's path in `incoming/`. */
  readonly from: string;
  /** The folder of its storage index; it is made if it is not there. */
  readonly folder: string;
  /** Its name there: the share number. */
  readonly name: string;
}

/** Why a share was not placed: the system's error, as data that passes between threads. */
export interface PlacingFailure {
  readonly code: string;
  readonly message: string;
}

/** Folders remembered as durably there. */
const remembered = 4096;

/** Puts shares in their places, durably, many at a time. Everything in it waits for the disk: not for the main thread. */
export class BatchPlacer {
  readonly #durable = new Set<string>();

  /**
   * Syncs each file, renames it, and syncs each folder that has changed, once for all that changed in it.
   *
   * @returns for each placing why it failed; undefined where the share is in its place for good
   */
  place(batch: readonly Placing[]): (PlacingFailure | undefined)[] {
    const changed = new Map<string, PlacingFailure | undefined>();
    const failures = batch.map((placing) =>
      attempt(() => {
        fdatasyncSync(placing.descriptor);
        for (const folder of this.#moveIntoPlace(placing)) changed.set(folder, undefined);
        changed.set(placing.folder, undefined);
      }),
    );
    for (const folder of changed.keys())
      changed.set(
        folder,
        attempt(() => syncFolder(folder)),
      );
    const unsynced = [...changed.values()].find((failure) => failure !== undefined);
    return failures.map((failure, index) => failure ?? unsynced ?? this.#remember(batch[index] as Placing));
  }

  /** Renames the file, making its folder if need be; returns the folders above it that this changed. */
  #moveIntoPlace({ from, folder, name }: Omit<Placing, 'descriptor'>): string[] {
    const made = this.#make(folder);
    try {
      renameSync(from, join(folder, name));
      return made;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !this.#durable.has(folder)) throw error;
      // Somebody removed a folder that was there.
      this.#durable.clear();
      return this.#moveIntoPlace({ from, folder, name });
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

/** Makes what was changed in a folder durable. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function attempt(work: () => void): PlacingFailure | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    const { code = 'EIO', message } = error as NodeJS.ErrnoException;
    return { code, message };
  }
}
