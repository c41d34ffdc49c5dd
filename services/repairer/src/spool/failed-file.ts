import { createReadStream } from 'node:fs';
import { open, rename, rm, stat, unlink } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { FailedEntry } from './follow-entries.js';

/** What the file of failed entries beside a spool file is called. */
export const failedSuffix = '.failed';

/** What it is called until it is complete, and its spool file is gone. */
export const unfinishedSuffix = `${failedSuffix}.part`;

/**
 * Entries that could not be repaired, collected beside their spool file: each on a line of its own with its reason as a
 * comment, so that the file can be put into the spool again. It holds what an earlier one of its name held, too, and is
 * readable for whom the spool file is.
 */
export class FailedFile {
  readonly #spoolFile: string;
  readonly #unfinished: string;
  #entries: string[] = [];
  #begun = false;

  constructor(spoolFile: string) {
    this.#spoolFile = spoolFile;
    this.#unfinished = `${spoolFile}${unfinishedSuffix}`;
  }

  /** Takes more entries; nothing is written where there never is one. */
  async add(entries: readonly FailedEntry[]): Promise<void> {
    this.#entries.push(...entries.map(({ text, reason }) => `${text}  # ${reason}`));
    if (this.#entries.length > 0) await this.#write();
  }

  /**
   * Removes the spool file and puts this one in its place. In this order: where a process ends in between, nothing is
   * written down twice, and `takeOver` does the rest.
   */
  async replace(): Promise<void> {
    await unlink(this.#spoolFile);
    await this.takeOver();
  }

  /** Puts what was collected for a spool file that is gone into its place. */
  async takeOver(): Promise<void> {
    await rename(this.#unfinished, `${this.#spoolFile}${failedSuffix}`).catch(unlessMissing);
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await rm(this.#unfinished, { force: true });
  }

  async #write(): Promise<void> {
    const { mode } = await stat(this.#spoolFile);
    const file = await open(this.#unfinished, this.#begun ? 'a' : 'w', mode & 0o777);
    try {
      if (!this.#begun) for await (const line of this.#earlier()) await file.write(`${line}\n`);
      this.#begun = true;
      await file.write(this.#entries.map((entry) => `${entry}\n`).join(''));
      await file.sync();
      this.#entries = [];
    } finally {
      await file.close();
    }
  }

  /** What is in the place already. */
  async *#earlier(): AsyncGenerator<string> {
    const source = createReadStream(`${this.#spoolFile}${failedSuffix}`);
    try {
      for await (const line of createInterface({ input: source })) yield line;
    } catch (error) {
      unlessMissing(error);
    }
  }
}

function unlessMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
