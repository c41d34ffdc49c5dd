import { silentLogger } from '@holdfast/common/logging';
import { type CheckResults, NotRecoverableError } from '@holdfast/grid';
import { describe, expect, it } from 'vitest';
import type { ClaimedJob } from '../queue/job.js';
import { attemptJob } from './attempt-job.js';

const failed = [{ serverId: 'v0-away', error: 'it went away', place: 0 }];
const found = { serversFailed: failed, goodShares: [], corruptShares: [], goodShareCount: 0 };
const results = found as unknown as CheckResults;

/** An attempt at a job that was asked for so many milliseconds ago, and of whose file too few shares are found. */
const attempt = (queuedFor: number, mayChangeSoon: (found: CheckResults) => boolean) =>
  attemptJob({ queuedFor, verify: false } as ClaimedJob, new AbortController().signal, {
    files: {
      check: async () => results,
      repair: async () => {
        throw new NotRecoverableError(results, []);
      },
    },
    logger: silentLogger(),
    mayChangeSoon: (_since, found) => mayChangeSoon(found),
    soon: 10_000,
    worthwhile: () => undefined,
    patience: () => undefined,
    onChecked: () => undefined,
  });

describe('a file of which too few shares are found', () => {
  it('waits for servers to come back', async () => {
    const end = await attempt(0, () => false);
    expect(end.result).toBe('unrecoverable');
    expect(end.lookAgainAfter).toBeUndefined();
  });

  it.each([
    [0, 10],
    [8 * 60_000, 30],
    [24 * 3_600_000, 900],
  ])(
    'is looked at again by itself where that may change, asked for %i ms ago after %i s',
    async (queuedFor, seconds) => {
      const isThere = ({ serversFailed }: CheckResults) =>
        serversFailed.some(({ serverId }) => serverId === 'v0-away');
      expect(await attempt(queuedFor, isThere)).toMatchObject({
        result: 'unrecoverable',
        lookAgainAfter: seconds * 1_000,
      });
    },
  );
});
