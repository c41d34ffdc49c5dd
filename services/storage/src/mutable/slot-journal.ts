import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '@holdfast/common/files';
import { base32Encode, bucketFolder, parseBucketName, parseShareName } from '@holdfast/lafs';

/** The folder beside those of the shares that slots are changed in. */
export const journalFolder = 'changing';

const preparing = '.preparing';
const removal = '.removed';
/** Folders remembered as durably there. */
const remembered = 4096;

/** A change of one slot, by one account. */
export interface SlotEntry {
  readonly storageIndex: Uint8Array;
  /** Key of the account that changes it. */
  readonly account: number;
}

/** An entry that a process which has ended left. */
export interface LeftEntry extends SlotEntry {
  /** Whether it had been decided on: then it is to be finished, else it never was. */
  readonly committed: boolean;
  /** The shares that it removes. */
  readonly removed: readonly number[];
}

/**
 * Makes changes of several shares of a slot one step, whenever the process or the machine ends.
 *
 * An entry is a folder with a whole new file for each share that changes, and an empty one for each that goes. While it
 * is written its name ends in `.preparing`. When all of it is on the disk it is renamed: from then on the change is
 * made, and whoever finds the entry finishes it. Its files are then moved over the shares. It stays, empty, until the
 * change is also recorded in Postgres, so that a start knows whose records to look at.
 *
 * One entry at a time for each slot; any number of slots.
 */
export class SlotJournal {
  readonly #root: string;
  readonly #folder: string;
  /** Folders of storage indexes that are known to be on the disk. */
  readonly #durable = new Set<string>();

  /** @param root the share folder */
  constructor(root: string) {
    this.#root = root;
    this.#folder = join(root, journalFolder);
  }

  /** Makes the journal's folder; called once, before all else. */
  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await syncFolder(this.#root);
  }

  /** Begins an entry. What is left of one that could not be discarded goes. */
  async begin(entry: SlotEntry): Promise<void> {
    await this.discard(entry);
    await mkdir(this.#path(entry, preparing));
  }

  /**
   * Writes a share's new file into an entry that was begun, durably.
   *
   * @throws the system's error, such as ENOSPC
   */
  async write(entry: SlotEntry, shareNumber: number, contents: AsyncIterable<Uint8Array>): Promise<void> {
    const file = await open(join(this.#path(entry, preparing), String(shareNumber)), 'wx', 0o600);
    try {
      for await (const piece of contents) await writeWhole(file, piece);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  /** Notes in an entry that was begun that a share goes. */
  async remove(entry: SlotEntry, shareNumber: number): Promise<void> {
    await writeFile(join(this.#path(entry, preparing), `${shareNumber}${removal}`), '', { flag: 'wx' });
  }

  /**
   * Makes sure that whoever looks after a crash finds an entry that was begun. Before its shares are promised in Postgres:
   * what is recorded there must not be without the entry that tells a start to look at it.
   */
  async keep(): Promise<void> {
    await syncFolder(this.#folder);
  }

  /** Forgets an entry that was begun and not committed. */
  async discard(entry: SlotEntry): Promise<void> {
    await rm(this.#path(entry, preparing), { recursive: true, force: true });
  }

  /** Decides on an entry: from now on it is to be applied. Once this has failed it is not decided on. */
  async commit(entry: SlotEntry): Promise<void> {
    await syncFolder(this.#path(entry, preparing));
    await rename(this.#path(entry, preparing), this.#path(entry));
  }

  /** Does what a committed entry says, durably. May be called again, whether it failed or not. */
  async apply(entry: SlotEntry): Promise<void> {
    const from = this.#path(entry);
    const bucket = join(this.#root, bucketFolder(entry.storageIndex));
    // Before the first share changes it must be sure that all of them will.
    await syncFolder(this.#folder);
    if (await mkdir(bucket, { recursive: true })) this.#durable.delete(bucket);
    let removing = false;
    for (const name of await readdir(from)) {
      const removed = removedShare(name);
      removing ||= removed !== undefined;
      if (removed !== undefined) await rm(join(bucket, String(removed)), { force: true });
      else if (parseShareName(name) !== undefined) await rename(join(from, name), join(bucket, name));
    }
    await syncFolder(bucket);
    if (!this.#durable.has(bucket)) {
      await syncFolder(dirname(bucket));
      await syncFolder(this.#root);
      this.#remember(bucket);
    }
    if (removing) {
      await rmdir(bucket).then(
        () => this.#durable.delete(bucket),
        () => {
          // It is not empty.
        },
      );
    }
  }

  /** Forgets an entry that was applied and recorded. */
  async forget(entry: SlotEntry): Promise<void> {
    // Not synced: the next commit's sync takes it along, and until then doing the entry again changes nothing.
    await rm(this.#path(entry), { recursive: true, force: true });
  }

  /** What a process that ended left. */
  async leftovers(): Promise<LeftEntry[]> {
    const entries: LeftEntry[] = [];
    for (const name of await readdir(this.#folder)) {
      const match = /^([a-z2-7]{26})\.([1-9]\d{0,9})(\.preparing)?$/.exec(name);
      const storageIndex = match && parseBucketName(match[1] as string);
      if (!match || !storageIndex) continue;
      const names = await readdir(join(this.#folder, name));
      entries.push({
        storageIndex,
        account: Number(match[2]),
        committed: match[3] === undefined,
        removed: names.flatMap((each) => removedShare(each) ?? []),
      });
    }
    return entries;
  }

  #remember(bucket: string): void {
    this.#durable.add(bucket);
    if (this.#durable.size > remembered) this.#durable.delete(this.#durable.values().next().value as string);
  }

  #path({ storageIndex, account }: SlotEntry, suffix = ''): string {
    return join(this.#folder, `${base32Encode(storageIndex)}.${account}${suffix}`);
  }
}

function removedShare(name: string): number | undefined {
  return name.endsWith(removal) ? parseShareName(name.slice(0, -removal.length)) : undefined;
}

async function writeWhole(file: FileHandle, data: Uint8Array): Promise<void> {
  for (let written = 0; written < data.length; ) {
    written += (await file.write(data, written)).bytesWritten;
  }
}
