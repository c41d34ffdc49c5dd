import type { Database } from '@holdfast/common/database';
import type { Logger } from '@holdfast/common/logging';
import { extendClaim } from '../queue/claim-job.js';
import type { ClaimedJob } from '../queue/job.js';

/** The claim on a job ended before the work did: somebody else may have it by now. */
export class ClaimLostError extends Error {
  override readonly name = 'ClaimLostError';
  readonly code = 'claim-lost';

  constructor() {
    super('the claim on the job was lost');
  }
}

/** What holding a claim needs. */
export interface HoldOptions {
  readonly database: Database;
  readonly grid: string;
  readonly logger: Logger;
  /** Milliseconds that a claim lasts. */
  readonly claimFor: number;
  /** Called with each extension. */
  readonly onHold: () => void;
}

/** A claim that is extended for as long as its job is worked on. `signal` aborts when it is lost. */
export class HeldClaim {
  readonly #options: HoldOptions;
  readonly #job: ClaimedJob;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #heldUntil: number;
  #extending = false;

  constructor(job: ClaimedJob, options: HoldOptions) {
    this.#options = options;
    this.#job = job;
    this.#heldUntil = Date.now() + options.claimFor;
    this.#timer = setInterval(() => void this.#extend(), options.claimFor / 4);
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Ends extending it. */
  release(): void {
    clearInterval(this.#timer);
  }

  async #extend(): Promise<void> {
    if (Date.now() >= this.#heldUntil) return this.#lose();
    if (this.#extending) return;
    this.#extending = true;
    const { database, grid, claimFor, onHold, logger } = this.#options;
    const asked = Date.now();
    try {
      if (!(await extendClaim(database, grid, this.#job, claimFor))) return this.#lose();
      this.#heldUntil = asked + claimFor;
      onHold();
    } catch (error) {
      logger.debug({ error: (error as Error).message }, 'a claim could not be extended yet');
    } finally {
      this.#extending = false;
    }
  }

  #lose(): void {
    this.release();
    this.#lost.abort(new ClaimLostError());
  }
}
