import { type Bus, WorkQueue } from '@holdfast/common/bus';
import type { Logger } from '@holdfast/common/logging';
import { repairSubjects } from '@holdfast/common/repairs';

/** Most wake-ups that wait to be taken. More would only say the same: that there is much to do. */
const mostWakeUps = 10_000;
/** Beyond its claim's end, how much later a lost worker's message wakes another, in milliseconds. */
const afterClaim = 5_000;

/** By which repairers wake each other when there is something to do: one message for each job. */
export function openWakeUps(options: {
  bus: Bus;
  grid: string;
  logger: Logger;
  claimFor: number;
}): WorkQueue {
  const { bus, grid, logger, claimFor } = options;
  return new WorkQueue({
    bus,
    logger,
    stream: `holdfast-${grid}-repair`,
    subject: repairSubjects(grid).wake.name,
    consumer: 'repairers',
    acknowledgeWithin: claimFor + afterClaim,
    mostMessages: mostWakeUps,
  });
}

/** Wakes as many workers as there are jobs. Where the bus is not there, their own looks at the queue have to do. */
export function sayWake(bus: Bus, grid: string, jobs: number): void {
  const { wake } = repairSubjects(grid);
  for (let said = 0; said < Math.min(jobs, mostWakeUps); said++) if (!bus.publish(wake, {})) return;
}
