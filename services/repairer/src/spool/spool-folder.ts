import type { Dirent } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '@holdfast/common/database';
import { Repetition } from '@holdfast/common/lifecycle';
import { type Logger, Seldom } from '@holdfast/common/logging';
import { FailedFile, failedSuffix, unfinishedSuffix } from './failed-file.js';
import { withSpoolFile } from './spool-claims.js';
import { SpoolFile } from './spool-file.js';
import { identify, isSame, type SpoolFileIdentity } from './spool-file-identity.js';

/** What taking files from a folder needs. */
export interface SpoolFolderOptions {
  readonly dir: string;
  readonly database: Database;
  readonly grid: string;
  readonly logger: Logger;
  /** A file that did not change for so many milliseconds is taken to be complete. */
  readonly stableFor: number;
  /** A file whose repairer was not heard of for so many milliseconds is another's. */
  readonly claimFor: number;
  /** Told how many jobs were queued. */
  readonly onAdded: (jobs: number) => void;
}

/** A file in the folder, since it was seen to be as it is. */
interface Seen {
  readonly identity: SpoolFileIdentity;
  readonly since: number;
  readonly file: SpoolFile;
  /** No look before this. */
  nextLook: number;
}

/** Most files that are followed at a time; the others have their turn when these are done, or rest. */
const mostFiles = 200;
const leastPause = 200;
/** How many times as long as a look took it rests: a file with a million lines must not be all we do. */
const restFactor = 10;
/** How many milliseconds a file rests at least whose jobs are put off: that may be so for days. */
const putOffRest = 60_000;

/**
 * The folder into which people and programs put files that name what is to be repaired, one capability a line. A file is
 * deleted once all of it is repaired; what cannot be goes into `NAME.failed` beside it. Hidden files are left alone. All
 * that is known of a file is in it and in Postgres, so any number of repairers may look into one folder.
 */
export class SpoolFolder {
  readonly #options: SpoolFolderOptions;
  readonly #seen = new Map<string, Seen>();
  readonly #seldom = new Seldom();
  readonly #rounds: Repetition;

  constructor(options: SpoolFolderOptions) {
    this.#options = options;
    this.#rounds = new Repetition(() => this.#round(), Math.max(leastPause, options.stableFor / 3));
  }

  /** Makes the folder where there is none, and begins. */
  async start(): Promise<void> {
    await mkdir(this.#options.dir, { recursive: true, mode: 0o700 });
    this.#rounds.start();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  async #round(): Promise<boolean> {
    const { dir, logger } = this.#options;
    try {
      const entries = await readdir(dir, { withFileTypes: true });
      const names = entries.filter(isSpoolFile).map(({ name }) => name);
      for (const name of this.#seen.keys()) if (!names.includes(name)) this.#seen.delete(name);
      await this.#takeOver(entries, new Set(names));
      for (const name of names
        .sort()
        .filter((each) => !this.#rests(each))
        .slice(0, mostFiles)) {
        if (this.#rounds.stopping) break;
        await this.#look(name).catch((error: Error) => this.#tell(name, error));
      }
    } catch (error) {
      logger.debug({ error: (error as Error).message }, 'the spool folder could not be looked at');
    }
    return true;
  }

  /** Whether a file is not to be looked at yet; that it was replaced is seen when it has rested. */
  #rests(name: string): boolean {
    return Date.now() < (this.#seen.get(name)?.nextLook ?? 0);
  }

  async #look(name: string): Promise<void> {
    const { dir, stableFor } = this.#options;
    const identity = await identify(join(dir, name));
    let seen = this.#seen.get(name);
    if (!seen || !isSame(seen.identity, identity)) {
      const file = new SpoolFile(join(dir, name), identity, this.#options);
      seen = { identity, since: Date.now(), file, nextLook: Date.now() + stableFor };
      this.#seen.set(name, seen);
    }
    const began = Date.now();
    if (began < seen.nextLook) return;
    const { file } = seen;
    let putOff = false;
    await withSpoolFile(this.#options, name, async (claim) => {
      // It may have been finished, and even replaced, by another repairer meanwhile.
      if (isSame(identity, await identify(join(dir, name))))
        putOff = await file.follow(claim, () => this.#rounds.stopping);
    });
    const rest = (Date.now() - began) * restFactor;
    seen.nextLook = Date.now() + (putOff ? Math.max(rest, putOffRest) : rest);
  }

  /** Finishes what a repairer began that ended between two steps. */
  async #takeOver(entries: readonly Dirent[], names: ReadonlySet<string>): Promise<void> {
    const { dir } = this.#options;
    for (const { name } of entries.filter((entry) => entry.name.endsWith(unfinishedSuffix))) {
      const spoolFile = name.slice(0, -unfinishedSuffix.length);
      if (names.has(spoolFile)) continue;
      await withSpoolFile(this.#options, spoolFile, () => new FailedFile(join(dir, spoolFile)).takeOver());
    }
  }

  #tell(name: string, error: Error): void {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    const missed = this.#seldom.take(name);
    if (missed === undefined) return;
    this.#options.logger.warn(
      { file: name, error: error.message, missed },
      'a file of the spool folder waits',
    );
  }
}

function isSpoolFile(entry: Dirent): boolean {
  const { name } = entry;
  return (
    entry.isFile() &&
    !name.startsWith('.') &&
    !name.endsWith(failedSuffix) &&
    !name.endsWith(unfinishedSuffix)
  );
}
