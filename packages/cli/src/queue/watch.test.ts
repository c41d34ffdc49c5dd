import { expect, it, vi } from 'vitest';
import type { GridStatus } from './queue-formats.js';
import { watchQueue } from './watch.js';

const status: GridStatus = {
  jobs: { queued: 3, claimed: 0, waiting: 0, done: 5, failed: 0 },
  delayed: 0,
  postponed: 2,
  spareShares: [],
  lastMinute: { repaired: 5, postponed: 40 },
  recent: [],
  watched: [],
  paused: null,
};

it('follows the queue until all that is left is put off, and says how much that is', async () => {
  const looks = [status, { ...status, jobs: { ...status.jobs, queued: 2, done: 6 } }];
  const ask = async () => {
    const look = looks.shift();
    if (!look) throw new Error('it was looked at again');
    return look;
  };
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await watchQueue({ ask, json: false, pause: async () => undefined });
    const text = written.mock.calls.join('');
    expect(text).toContain(
      '2 queued (2 put off, as servers that are away may come back), 0 being done, 6 done',
    );
    expect(text).toContain('5 attempts ended in the last minute');
  } finally {
    written.mockRestore();
  }
  expect(looks).toEqual([]);
});
