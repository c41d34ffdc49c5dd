import type { Bus, Stop } from '@holdfast/common/bus';
import type { Database } from '@holdfast/common/database';
import type { Logger } from '@holdfast/common/logging';
import { type JobStandings, type RepairStatus, repairSubjects } from '@holdfast/common/repairs';
import { base32Decode, base32Encode } from '@holdfast/lafs';
import { type JobStanding, jobStates } from '../queue/job-states.js';
import type { QueueStatus } from '../queue/queue-status.js';
import { retryJobs } from '../queue/retry-jobs.js';
import { sayWake } from '../worker/wake-ups.js';
import { addFiles } from './add-files.js';
import { removeFiles } from './remove-files.js';

/** What answering needs. */
export interface AnswerOptions {
  readonly bus: Bus;
  readonly database: Database;
  readonly grid: string;
  readonly logger: Logger;
  readonly status: () => Promise<QueueStatus>;
  /** Why repair is paused; null where it is not. */
  readonly alarm: () => RepairStatus['alarm'];
  /** The files under watch. */
  readonly watched: () => Promise<RepairStatus['watched']>;
  /** Why this repairer begins no job; null where it does. */
  readonly paused: () => RepairStatus['paused'];
}

/** One of many repairers answers each question. */
const queue = 'repairers';

/** Answers what is asked of repairers on the bus (docs/protocol.md, "Repairs"). */
export function answerBus({
  bus,
  database,
  grid,
  logger,
  status,
  alarm,
  watched,
  paused,
}: AnswerOptions): Stop {
  const { add, remove, status: asksStatus, standings, retry } = repairSubjects(grid);
  const stops = [
    bus.serve(
      add,
      async ({ files, source = 'bus', verify = false, now = false, watch = false }) => {
        const answer = await addFiles(database, grid, { source, verify, now, watch }, files);
        const { added, known, refused } = answer;
        logger.info({ source, added, known, refused: refused.length }, 'jobs were asked for');
        sayWake(bus, grid, added);
        return answer;
      },
      queue,
    ),
    bus.serve(
      remove,
      async ({ files }) => {
        const answer = await removeFiles(database, grid, files);
        const { removed, absent, refused } = answer;
        logger.info({ removed, absent, refused: refused.length }, 'jobs were removed');
        return answer;
      },
      queue,
    ),
    bus.serve(
      asksStatus,
      async () => ({
        ...shownStatus(await status()),
        alarm: alarm(),
        watched: await watched(),
        paused: paused(),
      }),
      queue,
    ),
    bus.serve(
      standings,
      async ({ storageIndexes }) => {
        const known = await jobStates(database, grid, storageIndexes.map(base32Decode));
        return { jobs: storageIndexes.map((index) => shownStanding(known.get(index))) };
      },
      queue,
    ),
    bus.serve(
      retry,
      async ({ storageIndexes }) => {
        const retried = await retryJobs(database, grid, storageIndexes?.map(base32Decode));
        logger.info({ retried }, 'jobs that had failed were queued again');
        sayWake(bus, grid, retried);
        return { retried };
      },
      queue,
    ),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function shownStanding(job: JobStanding | undefined): JobStandings['jobs'][number] {
  if (!job) return null;
  const { state, lastResult: result, endedAt, begunAt } = job;
  return {
    state,
    result,
    endedAt: endedAt?.toISOString() ?? null,
    begunAt: begunAt?.toISOString() ?? null,
  };
}

/** Letters of a storage index that tell files apart for people, and no more. */
const shownLetters = 8;

function shownStatus({
  recent,
  spareShares,
  ...status
}: QueueStatus): Omit<RepairStatus, 'alarm' | 'watched' | 'paused'> {
  return {
    ...status,
    spareShares: [...spareShares],
    recent: recent.map(({ storageIndex, endedAt, ...attempt }) => ({
      ...attempt,
      storageIndex: base32Encode(storageIndex).slice(0, shownLetters),
      endedAt: endedAt.toISOString(),
    })),
  };
}
