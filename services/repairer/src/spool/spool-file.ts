import type { Database } from '@holdfast/common/database';
import type { Logger } from '@holdfast/common/logging';
import { mostAdded } from '../queue/add-jobs.js';
import { FailedFile } from './failed-file.js';
import { followEntries } from './follow-entries.js';
import type { SpoolClaim } from './spool-claims.js';
import { spoolEntries } from './spool-entries.js';
import { identify, isSame, type SpoolFileIdentity } from './spool-file-identity.js';
import { forgetSpoolFile, seenSince } from './spool-file-records.js';

/** What following a file needs. */
export interface SpoolFileOptions {
  readonly database: Database;
  readonly grid: string;
  readonly logger: Logger;
  readonly onAdded: (jobs: number) => void;
}

/** A complete file of the spool folder, on its way from its first look to its end. */
export class SpoolFile {
  readonly #path: string;
  readonly #identity: SpoolFileIdentity;
  readonly #options: SpoolFileOptions;
  /** Whether every entry was seen to have a job. */
  #added = false;
  /** Batches of entries, from the first on, of which nothing is left to do. */
  #finished = 0;

  constructor(path: string, identity: SpoolFileIdentity, options: SpoolFileOptions) {
    this.#path = path;
    this.#identity = identity;
    this.#options = options;
  }

  /**
   * One look: adds what is to be added, and ends the file where nothing of it is left to do.
   *
   * @returns whether all jobs that it waits for first are put off, and the next look can wait
   */
  async follow(claim: SpoolClaim, stopping: () => boolean): Promise<boolean> {
    const { database, grid, onAdded } = this.#options;
    const seenAt = await seenSince(database, grid, this.#identity);
    let allBefore = true;
    let putOff = false;
    let number = 0;
    for await (const entries of spoolEntries(this.#path, mostAdded)) {
      if (stopping()) return false;
      if (number++ < this.#finished) continue;
      await claim.extend();
      const { unfinished, postponed, added } = await followEntries(database, grid, seenAt, entries);
      onAdded(added);
      if (allBefore && unfinished > 0) putOff = postponed === unfinished;
      allBefore &&= unfinished === 0;
      if (allBefore) this.#finished = number;
      // What comes later is looked at when its turn has come.
      else if (this.#added) return putOff;
    }
    this.#added = true;
    if (allBefore) await this.#end(claim, seenAt);
    return putOff;
  }

  async #end(claim: SpoolClaim, seenAt: Date): Promise<void> {
    const { database, grid, logger } = this.#options;
    const failedFile = new FailedFile(this.#path);
    let [count, failures] = [0, 0];
    for await (const entries of spoolEntries(this.#path, mostAdded)) {
      const { unfinished, failed } = await followEntries(database, grid, seenAt, entries);
      if (unfinished > 0) {
        // Somebody asked for it again meanwhile.
        this.#finished = 0;
        return failedFile.discard();
      }
      count += entries.length;
      failures += failed.length;
      await claim.extend();
      await failedFile.add(failed);
    }
    await claim.extend();
    // A list that somebody added to while it was looked through is another one, and not done.
    if (!isSame(this.#identity, await identify(this.#path))) return failedFile.discard();
    await failedFile.replace();
    await forgetSpoolFile(database, grid, this.#identity);
    const { name: file } = this.#identity;
    logger.info({ file, entries: count, failed: failures }, 'a file of the spool folder is done');
  }
}
