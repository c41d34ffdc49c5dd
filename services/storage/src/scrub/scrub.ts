import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@holdfast/common/logging';
import { checkShare, type ShareAddress } from '@holdfast/lafs';
import { damageIn } from '../damage/damage-in.js';
import type { DamagedPart, Quarantine } from '../damage/quarantine.js';
import type { StorageMetrics } from '../metrics.js';
import { isDatabaseDown } from '../records/database-errors.js';
import { keyOf, type ShareRecords } from '../records/share-records.js';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { Pace } from './pace.js';
import type { ScrubCounts, ScrubRecords } from './scrub-records.js';

/** What a scrub needs. */
export interface ScrubOptions {
  readonly backend: ShareBackend;
  readonly shares: ShareRecords;
  readonly records: ScrubRecords;
  readonly quarantine: Quarantine;
  /** Whether somebody is just storing a share there: it may yet be taken back. */
  readonly isComing?: (share: ShareAddress) => boolean;
  readonly metrics: StorageMetrics;
  readonly logger: Logger;
  readonly bytesPerSecond: number;
  /** Milliseconds from the beginning of one round to that of the next. */
  readonly every: number;
}

/** To open a share and to find it on the disk costs about as much as to read so many bytes. */
const costOfShare = 32 * 1024;
/** Read at a time: little, so that a reader's request never waits long behind it. */
const pieceSize = 64 * 1024;
/** Milliseconds before what failed for want of Postgres or of the disk is tried again. */
const retryAfter = 10_000;
/** Milliseconds after which a share that looked damaged is looked at again: something may have been under way. */
const secondLook = 500;
/** Shares that readers reported, waiting to be looked at. */
const mostSuspects = 1000;

/**
 * Reads every share, round after round, at a set pace, and quarantines those that are damaged: whose container is
 * malformed, whose file is not as long as the records say (of an immutable share), or whose content disagrees with itself. A round goes on
 * after a restart, or a failure, where it was. Folders that cannot be read are passed over by the backend.
 */
export class Scrub {
  readonly #options: ScrubOptions;
  readonly #stop = new AbortController();
  readonly #pace: Pace;
  readonly #suspects = new Map<string, ShareAddress>();
  #looking: Promise<void> | undefined;

  constructor(options: ScrubOptions) {
    this.#options = options;
    this.#pace = new Pace(options.bytesPerSecond, this.#stop.signal);
  }

  /** Begins; returns how to end it, which resolves when nothing is read any more. */
  start(): () => Promise<void> {
    const running = this.#run();
    return async () => {
      this.#stop.abort();
      await running;
      await this.#looking;
    };
  }

  /** Looks at a share that a reader reported, soon. What the reader says is not believed. */
  suspect(share: ShareAddress): void {
    if (this.#suspects.size >= mostSuspects || this.#stop.signal.aborted) return;
    this.#suspects.set(keyOf(share), share);
    this.#looking ??= this.#lookAtSuspects().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookAtSuspects(): Promise<void> {
    for (const [key, share] of this.#suspects) {
      this.#suspects.delete(key);
      if (this.#stop.signal.aborted) return;
      await this.#check(share).catch((error: Error) => this.#warn(error));
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let pause = retryAfter;
      try {
        pause = await this.#nextRound();
      } catch (error) {
        this.#warn(error as Error);
      }
      // A timer holds no more than 24 days.
      await delay(Math.min(pause, 3_600_000), undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Goes on with the round under way, or begins one that is due; gives the milliseconds until there is more to do. */
  async #nextRound(): Promise<number> {
    const { records, every, logger } = this.#options;
    let round = await records.read();
    if (round?.finishedAt) {
      const wait = round.startedAt.getTime() + every - Date.now();
      if (wait > 0) return wait;
    }
    if (!round || round.finishedAt) {
      await records.begin();
      round = undefined;
    }
    await this.#walk(round?.nextSection ?? 0);
    if (!this.#stop.signal.aborted) logger.info(await records.read(), 'read all shares through');
    return 0;
  }

  async #walk(from: number): Promise<void> {
    const { backend, records } = this.#options;
    let counts = noCounts();
    let section = from;
    for await (const page of backend.walk(from)) {
      if (page.section !== section) {
        await records.advance(page.section, counts);
        section = page.section;
        counts = noCounts();
      }
      for (const share of page.shares) {
        if (this.#stop.signal.aborted) return;
        const found = await this.#check(share);
        counts = {
          shares: counts.shares + found.shares,
          bytes: counts.bytes + found.bytes,
          damaged: counts.damaged + found.damaged,
        };
      }
    }
    if (!this.#stop.signal.aborted) await records.finish(counts);
  }

  /** Reads one share through. One that is gone by now, or in quarantine, counts for nothing. */
  async #check(share: ShareAddress): Promise<ScrubCounts> {
    const { quarantine, metrics, isComing = () => false } = this.#options;
    if (quarantine.has(share) || isComing(share)) return noCounts();
    const first = await this.#look(share);
    if (!first) return noCounts();
    let { damage } = first;
    if (damage) {
      // A write or a deletion may have been under way.
      await delay(secondLook, undefined, { ref: false });
      damage = (await this.#look(share))?.damage;
    }
    if (damage) quarantine.add(share, 'scrub', damage.problem, damage.part);
    metrics.scrubbed(first.bytes);
    return { shares: 1, bytes: first.bytes, damaged: damage ? 1 : 0 };
  }

  /** What is wrong with a share as it is now; undefined where there is none. */
  async #look(share: ShareAddress): Promise<{ bytes: number; damage: Damage | undefined } | undefined> {
    let bytes = 0;
    try {
      const file = await this.#options.backend.examine(share);
      await this.#pace.spent(costOfShare);
      if (!file) return undefined;
      try {
        const read = async (range: { begin: number; end: number }) => {
          const piece = await file.read(range);
          bytes += piece.length;
          await this.#pace.spent(piece.length);
          return piece;
        };
        const check =
          file.kind === 'immutable'
            ? await checkShare({ shareNumber: share.shareNumber, size: file.size, read }, pieceSize)
            : ({ verdict: 'opaque' } as const);
        const disagreement = await this.#disagreement(share, file.size);
        if (check.verdict === 'damaged') {
          // A file that was cut short looks like a container that is whole, with content that is not.
          const part = disagreement === undefined ? 'content' : 'container';
          return { bytes, damage: { part, problem: check.problem } };
        }
        if (check.verdict === 'opaque') {
          for (let begin = 0; begin < file.size; begin += pieceSize) {
            await read({ begin, end: Math.min(begin + pieceSize, file.size) });
          }
        }
        return { bytes, damage: inContainer(disagreement) };
      } finally {
        await file.close();
      }
    } catch (error) {
      const problem = damageIn(error);
      if (problem === undefined) throw error;
      return { bytes, damage: inContainer(problem) };
    }
  }

  async #disagreement(share: ShareAddress, size: number): Promise<string | undefined> {
    const recorded = await this.#options.shares.sizeOf(share);
    if (recorded === undefined || recorded === size) return undefined;
    return `its file has ${size} bytes of data, its record ${recorded}`;
  }

  #warn(error: Error): void {
    // Postgres' absence is told elsewhere, once for all that need it.
    if (isDatabaseDown(error)) return;
    this.#options.logger.warn({ error: error.message }, 'the scrub could not go on, and tries again');
  }
}

interface Damage {
  readonly part: DamagedPart;
  readonly problem: string;
}

function inContainer(problem: string | undefined): Damage | undefined {
  return problem === undefined ? undefined : { part: 'container', problem };
}

function noCounts(): ScrubCounts {
  return { shares: 0, bytes: 0, damaged: 0 };
}
