import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bucketFolder, type ShareAddress } from '@holdfast/lafs';
import type { Quarantine } from '../damage/quarantine.js';
import { keyOf, type ShareRecords } from '../records/share-records.js';
import type { ShareBackend } from '../share-backend/share-backend.js';
import type { ShareAdoption } from './share-adoption.js';

const recordsAtOnce = 1000;

/** What a walk over all shares needs. */
export interface ShareWalkParts {
  readonly backend: ShareBackend;
  readonly records: ShareRecords;
  readonly adoption: ShareAdoption;
  /** Whether an upload is just bringing a share there: it will be recorded by that. */
  readonly isUploading?: (share: ShareAddress) => boolean;
  /** Damaged shares are not missing. */
  readonly quarantine: Quarantine;
}

/** What a walk over all shares found. */
export interface WalkOutcome {
  /** Shares that had no record and have one now. */
  readonly adopted: number;
  /** Stable records whose share is not in the backend, but for damaged ones. They are left as they are: no lease is ended for a lost disk. */
  readonly missing: number;
  /** Shares in the backend. */
  readonly shares: number;
  /** Folders that could not be looked into. Shares that are recorded there do not count as missing. */
  readonly unreadableFolders: number;
}

/**
 * Compares every share in the backend with the records, some at a time, and records what has none (an adopted
 * Tahoe-LAFS folder, a database that lost its last moments); then looks for every record's share. Deletes nothing.
 * Serving goes on meanwhile.
 */
export class ShareWalk {
  readonly #parts: ShareWalkParts;
  /** The section that is looked through, or comes next. */
  #section = 0;
  /** Shares of the sections before it. */
  #sharesBefore = 0;
  #adopted = 0;
  readonly #unreadable = new Set<string>();
  /** Of the records, the last whose share was looked for. */
  #lookedFor: ShareAddress | undefined;
  #missing = 0;

  constructor(parts: ShareWalkParts) {
    this.#parts = parts;
  }

  /**
   * Goes on from where it was to the end. Where it fails it can be called again, and looks once more through no more
   * than the section that it was at.
   *
   * @param signal ends the walk early
   * @returns undefined where it was ended early
   * @throws StorageError `database-unavailable`, or why the backend could not be looked through
   */
  async goOn(signal: AbortSignal): Promise<WalkOutcome | undefined> {
    const shares = await this.#adopt(signal);
    await this.#countMissing(signal);
    if (signal.aborted) return undefined;
    return {
      adopted: this.#adopted,
      missing: this.#missing,
      shares,
      unreadableFolders: this.#unreadable.size,
    };
  }

  /** @returns how many shares there are */
  async #adopt(signal: AbortSignal): Promise<number> {
    const { backend, records, adoption, isUploading = () => false } = this.#parts;
    let sharesOfSection = 0;
    for await (const page of backend.walk(this.#section)) {
      if (signal.aborted) break;
      if (page.section !== this.#section) {
        this.#section = page.section;
        this.#sharesBefore += sharesOfSection;
        sharesOfSection = 0;
      }
      sharesOfSection += page.shares.length;
      for (const { folder } of page.unreadable) this.#unreadable.add(folder);
      const unrecorded = await records.unrecorded(page.shares.filter((share) => !isUploading(share)));
      this.#adopted += (await adoption.adopt(unrecorded)).recorded;
      // Requests come first.
      await delay(0);
    }
    return this.#sharesBefore + sharesOfSection;
  }

  async #countMissing(signal: AbortSignal): Promise<void> {
    const { backend, records, quarantine } = this.#parts;
    while (!signal.aborted) {
      const recorded = await records.stableAfter(this.#lookedFor, recordsAtOnce);
      if (recorded.length === 0) break;
      // What cannot be read for its folder is not damaged for that.
      const readable = recorded.filter((share) => !liesIn(this.#unreadable, share));
      const found = new Set((await backend.inspect(readable)).map(keyOf));
      const unseen = readable.filter((share) => !found.has(keyOf(share)) && !quarantine.has(share));
      // What was collected in between has no record either.
      this.#missing += unseen.length - (await records.unrecorded(unseen)).length;
      this.#lookedFor = recorded.at(-1);
      await delay(0);
    }
  }
}

/** Whether a share would be in one of some folders: its own, or that of its section. */
function liesIn(folders: ReadonlySet<string>, { storageIndex }: ShareAddress): boolean {
  const folder = bucketFolder(storageIndex);
  return folders.has(folder) || folders.has(dirname(folder));
}
