import { Counter, Gauge, type Registry } from '@holdfast/common/metrics';
import type { WatchStatus } from '@holdfast/common/repairs';

/** What is counted. */
export interface MeasureWatchOptions {
  readonly registry: Registry;
  /** Of the grid, which all repairers look after together. */
  readonly status: () => Promise<WatchStatus>;
  /** Whether this repairer schedules. */
  readonly schedules: () => boolean;
}

/**
 * Counts the files under watch, and what is thought of the servers and the network.
 *
 * @returns counts a check that has ended
 */
export function measureWatch({
  registry,
  status,
  schedules,
}: MeasureWatchOptions): (result: 'checked' | 'failed') => void {
  const registers = [registry];
  // Where Postgres is away there is nothing to tell of the watch, and the rest is told all the same.
  const now = () => status().catch(() => undefined);
  new Gauge({
    name: 'holdfast_watch_files',
    help: 'Files under watch by how many of their shares can still be lost; unknown before the first check',
    labelNames: ['spare_shares'],
    registers,
    async collect() {
      this.reset();
      for (const { spare, files } of (await now())?.files ?? [])
        this.set({ spare_shares: spare ?? 'unknown' }, files);
    },
  });
  new Gauge({
    name: 'holdfast_watch_servers',
    help: 'Storage servers, by what all repairers together think of them',
    labelNames: ['state'],
    registers,
    async collect() {
      this.reset();
      for (const [state, count] of Object.entries((await now())?.servers ?? {})) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'holdfast_watch_network_suspected',
    help: 'Whether the network is suspected, and repair is paused: 1 or 0',
    registers,
    async collect() {
      const current = await now();
      if (current) this.set(current.alarm ? 1 : 0);
    },
  });
  new Gauge({
    name: 'holdfast_watch_schedules',
    help: 'Whether this is the repairer that schedules: 1 or 0',
    registers,
    collect() {
      this.set(schedules() ? 1 : 0);
    },
  });
  const checks = new Counter({
    name: 'holdfast_watch_checks_total',
    help: 'Checks of files under watch that this repairer has ended; failed: most servers did not answer',
    labelNames: ['result'],
    registers,
  });
  return (result) => checks.inc({ result });
}
