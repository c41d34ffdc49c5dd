import type { Bus } from '@holdfast/common/bus';
import type { Registry } from '@holdfast/common/metrics';
import { watchSubjects } from '@holdfast/common/repairs';
import type { FileCare, Pace } from '@holdfast/grid';
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
  /** What limits the bandwidth of a check, until it is ended by the signal. */
  readonly paceOf: (signal: AbortSignal) => Pace | undefined;
}

/** The watch of a repairer, with what it tells and what is counted of it. It is not started yet. */
export function composeWatch({ bus, registry, files, paceOf, ...options }: ComposeWatchOptions): Watch {
  const { grid } = options;
  const watch: Watch = new Watch({
    ...options,
    check: (file, signal) => files.check(file, { pace: paceOf(signal), signal }),
    onJobs: (added) => sayWake(bus, grid, added),
    onAlarm: (alarm) => bus.publish(watchSubjects(grid).alarm, alarm),
    onCheck: (result) => counted(result),
  });
  const counted = measureWatch({ registry, status: watch.status, schedules: () => watch.schedules });
  return watch;
}
