import { Counter, Gauge, Histogram, type Registry } from '@holdfast/common/metrics';
import type { QueueStatus } from './queue/queue-status.js';
import type { Pause } from './restraint/pause.js';
import { pausedNow } from './restraint/pause.js';
import type { EndedAttempt } from './worker/worker.js';

/** What is counted. */
export interface MetricsOptions {
  readonly registry: Registry;
  /** Of the grid's queue, which all repairers share. */
  readonly status: () => Promise<QueueStatus>;
  /** Jobs under way here. */
  readonly working: () => number;
  readonly pauses: readonly Pause[];
}

/**
 * Counts the queue, and what this worker does.
 *
 * @returns counts an attempt that has ended
 */
export function countRepairs({
  registry,
  status,
  working,
  pauses,
}: MetricsOptions): (ended: EndedAttempt) => void {
  const registers = [registry];
  countQueue(registry, status);
  new Gauge({
    name: 'holdfast_repair_working',
    help: 'Jobs that this repairer is doing, but for those of which it only writes down how they ended',
    registers,
    collect() {
      this.set(working());
    },
  });
  new Gauge({
    name: 'holdfast_repair_paused',
    help: 'Whether this repairer begins no job at the moment, by the reason: 1 or 0',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      const reason = pausedNow(pauses)?.reason;
      if (reason !== undefined) this.set({ reason }, 1);
    },
  });
  const attempts = new Counter({
    name: 'holdfast_repair_attempts_total',
    help: 'Attempts at jobs that this repairer has ended, by their results',
    labelNames: ['result'],
    registers,
  });
  const bytes = new Counter({
    name: 'holdfast_repair_bytes_total',
    help: 'Bytes of shares that this repairer has read and written',
    labelNames: ['direction'],
    registers,
  });
  const seconds = new Histogram({
    name: 'holdfast_repair_attempt_seconds',
    help: 'How long attempts took',
    labelNames: ['result'],
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300],
    registers,
  });
  return ({ end: { result, outcome }, milliseconds }) => {
    attempts.inc({ result });
    bytes.inc({ direction: 'read' }, outcome?.bytesRead ?? 0);
    bytes.inc({ direction: 'written' }, outcome?.bytesWritten ?? 0);
    seconds.observe({ result }, milliseconds / 1000);
  };
}

function countQueue(registry: Registry, status: () => Promise<QueueStatus>): void {
  // Where Postgres is away there is nothing to tell of the queue, and the rest is told all the same.
  const now = () => status().catch(() => undefined);
  new Gauge({
    name: 'holdfast_repair_jobs',
    help: "Jobs in the grid's queue, by state",
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const [state, count] of Object.entries((await now())?.jobs ?? {})) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'holdfast_repair_postponed',
    help: 'Queued jobs that are put off until servers that are away are back, or given up',
    registers: [registry],
    async collect() {
      const postponed = (await now())?.postponed;
      if (postponed === undefined) this.remove();
      else this.set(postponed);
    },
  });
  new Gauge({
    name: 'holdfast_repair_files',
    help: 'Files in the queue by how many of their shares can still be lost, as found by the last check',
    labelNames: ['spare_shares'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const { spare, files } of (await now())?.spareShares ?? [])
        this.set({ spare_shares: spare }, files);
    },
  });
}
