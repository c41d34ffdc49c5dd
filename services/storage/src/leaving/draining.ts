import type { Bus } from '@holdfast/common/bus';
import { Repetition } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import { repairSubjects } from '@holdfast/common/repairs';
import type { DrainProgress, DrainRecords } from './drain-records.js';
import type { Leaving } from './leaving.js';
import { lookOverFiles, repairersOn } from './look-over-files.js';

/**
 * Milliseconds within which every client that is connected has noticed that a server is leaving: from its announcement,
 * or from the version answer that it is asked for every twenty seconds or so. Until then repairers may still count its
 * shares as good.
 */
const noticedWithin = 30_000;

const soonest = 5_000;
const latest = 10 * 60_000;

/** Of the time at most every so-maniest part is spent looking. */
const costFactor = 10;

/** What draining needs. */
export interface DrainingOptions {
  readonly bus: Bus;
  readonly grid: string;
  readonly serverId: string;
  readonly records: DrainRecords;
  readonly leaving: Pick<Leaving, 'now'>;
  /** Whether the records of shares can be relied on. */
  readonly standing: { readonly problem: string | undefined };
  readonly logger: Logger;
}

/**
 * While this server is leaving: has repairers put its files' shares elsewhere, looks again and again how far that is,
 * and keeps what it sees where the operator's command reads it.
 */
export class Draining {
  readonly #options: DrainingOptions;
  readonly #repetition = new Repetition(() => this.#look(), latest);
  #leaving = false;
  #failing = false;
  #finished = false;

  constructor(options: DrainingOptions) {
    this.#options = options;
  }

  /** Begins to look, in the background; returns how to end it. */
  start(): () => Promise<void> {
    this.#repetition.start();
    return () => this.#repetition.stop();
  }

  /** To be called when this server may have begun to leave, or stays after all. */
  follow(): void {
    const { now } = this.#options.leaving;
    if (now === this.#leaving) return;
    this.#leaving = now;
    this.#finished = false;
    this.#repetition.again();
  }

  /** Resolves to when to look again, in milliseconds; false where something was in the way. */
  async #look(): Promise<number | boolean> {
    const { records, leaving, standing, logger } = this.#options;
    if (!leaving.now || standing.problem !== undefined) return true;
    try {
      const since = await records.leavingSince();
      if (!since) return true;
      const from = new Date(since.getTime() + noticedWithin);
      if (from.getTime() > Date.now()) return from.getTime() - Date.now();
      const begun = performance.now();
      const progress = await this.#lookOver(from);
      if (!progress) return true;
      await records.keep({ progress });
      this.#failing = false;
      const cost = performance.now() - begun;
      return this.#finish(progress) ? latest : Math.min(Math.max(cost * costFactor, soonest), latest);
    } catch (error) {
      if (this.#repetition.stopping) return false;
      const problem = (error as Error).message;
      if (!this.#failing) logger.warn({ error: problem }, 'could not look how far this server is emptied');
      this.#failing = true;
      await records.keep({ problem }).catch(() => undefined);
      return false;
    }
  }

  #lookOver(since: Date): Promise<DrainProgress | undefined> {
    const { bus, grid, serverId, records, leaving } = this.#options;
    return lookOverFiles({
      records,
      repairers: repairersOn(bus, repairSubjects(grid), `drain ${serverId}`),
      since,
      goesOn: () => leaving.now && !this.#repetition.stopping,
    });
  }

  #finish(progress: DrainProgress): boolean {
    const finished = progress.safeFiles === progress.files;
    if (finished && !this.#finished)
      this.#options.logger.info(progress, 'every immutable file of this server is safe elsewhere');
    this.#finished = finished;
    return finished;
  }
}
