import type { Bus } from '@holdfast/common/bus';
import type { Registry } from '@holdfast/common/metrics';
import { watchSubjects } from '@holdfast/common/repairs';
import type { FileCare } from '@holdfast/grid';
import { sayWake } from '../worker/wake-ups.js';
import { measureWatch } from './measure-watch.js';
import { Watch, type WatchOptions } from './watch.js';

/** What a repairer makes its watch of. */
export interface ComposeWatchOptions
  extends Pick<
    WatchOptions,
    'database' | 'grid' | 'name' | 'logger' | 'settings' | 'servers' | 'connecting'
  > {
  readonly bus: Bus;
  readonly registry: Registry;
  readonly files: Pick<FileCare, 'check'>;
  /** Counts what a check moves against the bandwidth. */
  readonly countBytes: (bytes: number) => void;
}

/** The watch of a repairer, with what it tells and what is counted of it. It is not started yet. */
export function composeWatch({ bus, registry, files, countBytes, ...options }: ComposeWatchOptions): Watch {
  const { grid } = options;
  const watch: Watch = new Watch({
    ...options,
    // It reads a few kB, and has a deadline: jobs wait for those bytes, and it for none of theirs.
    check: (file, signal) => files.check(file, { pace: async (bytes) => countBytes(bytes), signal }),
    onJobs: (added) => sayWake(bus, grid, added),
    onAlarm: (alarm) => bus.publish(watchSubjects(grid).alarm, alarm),
    onCheck: (result) => counted(result),
  });
  const counted = measureWatch({ registry, status: watch.status, schedules: () => watch.schedules });
  return watch;
}
