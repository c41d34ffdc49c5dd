import { byteSize, duration, nodeSettings } from '@holdfast/common/configuration';
import { refuseRevealing } from '@holdfast/common/connections';
import { membershipSettings } from '@holdfast/membership';
import * as z from 'zod';
import { timeOfDay } from './restraint/quiet-hours.js';
import { watchSettings } from './watch/watch-settings.js';

const atLeast = (least: number, text: string) =>
  duration.refine((ms) => ms >= least, `expected ${text} or more`);

/** How much a repairer does at a time. */
const limits = z.strictObject({
  /** Jobs at a time. */
  jobs: z.number().int().min(1).max(1_000).default(16),
  /** Requests of all jobs to one storage server at a time. */
  requests_per_server: z.number().int().min(1).max(1_000).default(8),
  /** Bytes a second, read and written together; no limit where not given. */
  bandwidth: byteSize.refine((bytes) => bytes >= 1_000, 'expected 1kB or more').optional(),
  /** What the buffers of all jobs together may take. */
  memory: byteSize.refine((bytes) => bytes >= 2 ** 24, 'expected 16MiB or more').prefault('64MiB'),
  /** Failures after which a job is given up. */
  attempts: z.number().int().min(1).max(100).default(5),
});

const quietHours = z.strictObject({ from: timeOfDay, to: timeOfDay });

/** A folder into which files with capabilities are put. */
const spool = z.strictObject({
  /** A relative path is inside the node's folder. */
  path: z.string().min(1).default('spool'),
  /** A file that did not change for so long is taken to be complete. */
  stable_for: atLeast(100, '100ms').prefault('10s'),
});

/** The fields of a repairer's `node.yaml`. */
const fields = z.strictObject({
  service: z.literal('repairer'),
  ...nodeSettings,
  ...membershipSettings,
  limits: limits.prefault({}),
  /** When no job is begun, by the clock of this machine. */
  quiet_hours: z.array(quietHours).max(24).default([]),
  /** A job whose worker was not heard of for so long is another's. */
  claim: atLeast(1_000, '1s').prefault('60s'),
  /** The pause after a job's first failure; it doubles with each further one, up to an hour. */
  retry_after: atLeast(10, '10ms').prefault('10s'),
  /** After how long a file of which too few shares are left is looked at again, if no server comes back before. */
  recheck_unrecoverable: atLeast(1_000, '1s').prefault('6h'),
  /** How often the queue is looked at without having been woken. */
  sweep: atLeast(100, '100ms').prefault('5s'),
  /** How long jobs that were done, and what is remembered of attempts, are kept. */
  keep_history: atLeast(1_000, '1s').prefault('90d'),
  spool: spool.prefault({}),
  watch: watchSettings.prefault({}),
});

/** A repairer's `node.yaml`, checked. */
export const nodeConfiguration = fields.superRefine(refuseRevealing);

export type RepairerConfiguration = z.infer<typeof nodeConfiguration>;
