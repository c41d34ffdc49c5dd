import { duration } from '@holdfast/common/configuration';
import * as z from 'zod';
import type { WatchTerms } from './terms.js';

const atLeast = (least: number, text: string) =>
  duration.refine((ms) => ms >= least, `expected ${text} or more`);

/** `watch` of a repairer's `node.yaml`: how files under watch are looked after. The same for all repairers of a grid. */
export const watchSettings = z.strictObject({
  /** From one check of a file that nothing is missing of to the next; one that has lost shares is checked sooner. */
  period: atLeast(1_000, '1s').prefault('30d'),
  /** For how long shares on a server that is away are not counted as lost. */
  grace: atLeast(0, '0s').prefault('3d'),
  /** For how long all must be well until a network that was suspected is trusted again. */
  settle: atLeast(0, '0s').prefault('5m'),
  /** A file is repaired where it is on fewer servers, or where more of its shares are missing. */
  repair_below: z
    .strictObject({
      servers: z.number().int().min(1).max(256).default(8),
      missing_shares: z.number().int().min(0).max(255).default(2),
    })
    .prefault({}),
  /** Jobs of the watch that may be in the queue at once. */
  backlog: z.number().int().min(1).max(100_000).default(1_000),
  /** Checks of this repairer at a time; 0 where it is to make none. */
  checks: z.number().int().min(0).max(100).default(4),
  /** Most checks that this repairer begins in a second. */
  checks_per_second: z.number().min(0.01).max(10_000).default(20),
});

export type WatchSettings = z.infer<typeof watchSettings>;

/** What decisions go by. */
export function termsOf({ period, grace, settle, repair_below, backlog }: WatchSettings): WatchTerms {
  const { servers, missing_shares: missingShares } = repair_below;
  return { period, grace, settle, backlog, threshold: { servers, missingShares } };
}
