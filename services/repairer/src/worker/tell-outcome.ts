import type { Bus } from '@holdfast/common/bus';
import type { Logger } from '@holdfast/common/logging';
import { type RepairOutcome, repairSubjects } from '@holdfast/common/repairs';
import { base32Encode } from '@holdfast/lafs';
import type { EndedAttempt } from './worker.js';

/** Says how an attempt ended, to the log and to whoever listens on the bus. */
export function tellOutcome(
  { bus, grid, logger }: { bus: Bus; grid: string; logger: Logger },
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
  const level = result === 'failed' || result === 'unrecoverable' ? 'warn' : 'debug';
  logger[level](
    { storageIndex: told.storageIndex, result, state, error, attempt },
    'an attempt at a job ended',
  );
}
