import type { Bus } from '@holdfast/common/bus';
import type { Logger, Seldom } from '@holdfast/common/logging';
import { type RepairOutcome, repairSubjects } from '@holdfast/common/repairs';
import { base32Encode } from '@holdfast/lafs';
import type { EndedAttempt } from './worker.js';

const troubles: ReadonlySet<string> = new Set(['failed', 'unrecoverable']);

/** Says how an attempt ended, to the log and to whoever listens on the bus. */
export function tellOutcome(
  { bus, grid, logger, seldom }: { bus: Bus; grid: string; logger: Logger; seldom: Seldom },
  { job, end, state, endedAt, milliseconds }: EndedAttempt,
): void {
  const { source, generation, attempt, worker } = job;
  const { result, error = null, outcome = null } = end;
  const told: RepairOutcome = {
    storageIndex: base32Encode(job.file.storageIndex),
    source,
    generation,
    attempt,
    // A job that was committed is nobody's.
    state: state === 'claimed' ? 'queued' : state,
    result,
    error,
    outcome,
    worker,
    endedAt: endedAt.toISOString(),
    milliseconds,
  };
  bus.publish(repairSubjects(grid).outcome, told);
  // Of many files that share one trouble, one tells it; the others are in the queue's history.
  const missed = troubles.has(result) ? seldom.take(result) : undefined;
  const level = missed === undefined ? 'debug' : 'warn';
  logger[level](
    { storageIndex: told.storageIndex, result, state, error, attempt, missed },
    'an attempt at a job ended',
  );
}
