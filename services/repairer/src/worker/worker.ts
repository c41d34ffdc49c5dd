import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkMessage, WorkQueue } from '@holdfast/common/bus';
import { type Database, GroupCommit } from '@holdfast/common/database';
import { joinSignals } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import { base32Encode } from '@holdfast/lafs';
import { claimJobs, giveBackClaim } from '../queue/claim-job.js';
import { type AttemptEnd, type EndedClaim, endClaims, type RetryTerms } from '../queue/end-claim.js';
import type { ClaimedJob, JobState } from '../queue/job.js';
import { type Pause, untilUnpaused } from '../restraint/pause.js';
import { GatheredSlots } from './gathered-slots.js';
import { ClaimLostError, HeldClaim } from './held-claim.js';

/** An attempt that has ended and been written down. */
export interface EndedAttempt {
  readonly job: ClaimedJob;
  readonly end: AttemptEnd;
  readonly state: JobState;
  readonly endedAt: Date;
  readonly milliseconds: number;
}

/** What a worker works with. */
export interface WorkerOptions {
  /** Over which jobs are claimed, held and ended. */
  readonly claims: Database;
  readonly grid: string;
  /** As others see it: the node's nickname. */
  readonly name: string;
  readonly logger: Logger;
  readonly wakeUps: Pick<WorkQueue, 'next'>;
  /** Jobs at a time. */
  readonly jobs: number;
  /** All in milliseconds: how long a claim lasts, and how often the queue is looked at without having been woken. */
  readonly claimFor: number;
  readonly sweepEvery: number;
  readonly retry: RetryTerms;
  readonly pauses: readonly Pause[];
  /** Does the job; throws only where the signal has aborted. */
  readonly attempt: (job: ClaimedJob, signal: AbortSignal) => Promise<AttemptEnd>;
  /** Told after an outcome was committed. */
  readonly onEnd: (ended: EndedAttempt) => void;
}

/** How long jobs that are under way may go on when the worker stops; after that they are given back. */
const longestFarewell = 10_000;
/** How long it is tried to write an outcome down where Postgres does not take it. */
const longestCommit = 5 * 60_000;
/** Milliseconds that a slot waits for others at most, to begin together with them. */
const longestGathering = 100;
/** The pause after Postgres did not answer. */
const troubledPause = 1_000;

/**
 * Takes jobs from the queue and does them, so many at a time. Messages wake it and spread the jobs over all workers, and
 * are acknowledged when the outcome is committed; what no message told is found by looking at the queue now and then.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #stopping = new AbortController();
  readonly #givingUp = new AbortController();
  /** Slots that are free at the same time claim together, and outcomes of the same time are one commit. */
  readonly #claims: GroupCommit<undefined, ClaimedJob | undefined>;
  readonly #ends: GroupCommit<EndedClaim, JobState | undefined>;
  readonly #gathered: GatheredSlots;
  #slots: Promise<void>[] = [];
  #working = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    // All slots wait for it.
    setMaxListeners(0, this.#stopping.signal);
    const { claims, grid, name, claimFor, retry } = options;
    this.#claims = new GroupCommit(async (slots) => {
      const jobs = await claimJobs(claims, grid, { worker: name, claimFor }, slots.length);
      return slots.map((_, index) => jobs[index]);
    });
    // Half of them: the others' jobs are under way meanwhile.
    this.#gathered = new GatheredSlots(Math.ceil(options.jobs / 2), () => this.#working, longestGathering);
    this.#ends = new GroupCommit((ends) => endClaims(claims, grid, ends, retry));
  }

  /** Attempts under way. */
  get working(): number {
    return this.#working;
  }

  start(): void {
    this.#slots = Array.from({ length: this.#options.jobs }, () => this.#runSlot());
  }

  /** Takes no more jobs; lets those under way end, for some seconds, and gives the rest back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const farewell = setTimeout(() => this.#givingUp.abort(), longestFarewell);
    await Promise.all(this.#slots);
    clearTimeout(farewell);
  }

  async #runSlot(): Promise<void> {
    const { wakeUps, sweepEvery, pauses } = this.#options;
    const { signal } = this.#stopping;
    let written = Promise.resolve();
    // Where there was a job there may be another: then nobody waits to be woken.
    for (let more = true; !signal.aborted; ) {
      await untilUnpaused(pauses, signal);
      let woken: WorkMessage | undefined;
      if (more) await this.#gathered.together();
      // Half of it chance, so that workers look by turns.
      else woken = await wakeUps.next(sweepEvery * (0.5 + Math.random()), signal);
      // What was begun to be waited for meanwhile holds too.
      await untilUnpaused(pauses, signal);
      if (signal.aborted) break;
      const wake: Promise<WorkMessage | undefined> = more ? wakeUps.next(0, signal) : Promise.resolve(woken);
      try {
        const job = await this.#claims.submit(undefined);
        if (!job) {
          const message = await wake;
          // One that was taken meanwhile may tell of a job that was not there yet.
          more = message !== woken;
          message?.acknowledge();
          continue;
        }
        more = true;
        const before = written;
        // The next job is claimed while it is written down how this one ended; the one after that is not.
        await new Promise<void>((attempted) => {
          written = this.#work(job, wake, attempted).catch((error) => this.#rest(error));
        });
        await before;
      } catch (error) {
        more = false;
        await this.#rest(error);
      }
    }
    await written;
  }

  async #rest(error: unknown): Promise<void> {
    this.#options.logger.warn({ error: (error as Error).message }, 'the queue cannot be used at the moment');
    await delay(troubledPause, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  /**
   * Does a job, writes down how that ended, and acknowledges its message.
   *
   * @param attempted called when nothing is left to be done but to write
   */
  async #work(job: ClaimedJob, wake: Promise<WorkMessage | undefined>, attempted: () => void): Promise<void> {
    const { claims, grid, logger, claimFor, onEnd } = this.#options;
    const began = Date.now();
    // It may be refused when the bus is closed already.
    const onHold = () => void wake.then((message) => message?.hold()).catch(() => undefined);
    const claim = new HeldClaim(job, { database: claims, grid, logger, claimFor, onHold });
    try {
      const end = await this.#attempt(job, claim).finally(attempted);
      const endedAt = new Date();
      const state = await this.#commit(job, end, claim.signal);
      if (state === undefined) throw new ClaimLostError();
      onEnd({ job, end, state, endedAt, milliseconds: endedAt.getTime() - began });
    } catch (error) {
      const storageIndex = base32Encode(job.file.storageIndex);
      if (error instanceof ClaimLostError || claim.signal.aborted)
        logger.warn({ storageIndex }, 'a job was lost to another worker before it was done');
      else if (this.#givingUp.signal.aborted) await giveBackClaim(claims, grid, job);
      else throw error;
    } finally {
      claim.release();
    }
    (await wake)?.acknowledge();
  }

  async #attempt(job: ClaimedJob, claim: HeldClaim): Promise<AttemptEnd> {
    const { signal, release } = joinSignals([claim.signal, this.#givingUp.signal]);
    this.#working++;
    try {
      return await this.#options.attempt(job, signal);
    } finally {
      this.#working--;
      release();
    }
  }

  /** Tries for as long as the claim can still be held: what was done should not have to be done again. */
  async #commit(job: ClaimedJob, end: AttemptEnd, lost: AbortSignal): Promise<JobState | undefined> {
    const deadline = Date.now() + longestCommit;
    for (;;) {
      try {
        return await this.#ends.submit({ job, end });
      } catch (error) {
        if (isOurFault(error) || Date.now() > deadline) throw error;
        if (lost.aborted || this.#givingUp.signal.aborted) throw error;
        await delay(troubledPause / 2);
      }
    }
  }
}

/** Whether Postgres understood a statement and refused it: it would refuse it again. */
function isOurFault(error: unknown): boolean {
  return /^(22|23|42)/.test((error as { code?: string }).code ?? '');
}
