import { expect, it } from 'vitest';
import { workLeft } from './work-left.js';

const jobs = { queued: 100, claimed: 20, waiting: 5, done: 40, failed: 3 };

it('takes as long as attempts took in the last minute', () => {
  expect(workLeft({ jobs, postponed: 0, last_minute: { repaired: 20, failed: 10 } })).toEqual({
    left: 120,
    ended: 30,
    seconds: 240,
  });
});

it('does not count what is put off, nor the looks that put it off', () => {
  expect(workLeft({ jobs, postponed: 90, last_minute: { repaired: 10, postponed: 50 } })).toEqual({
    left: 30,
    ended: 10,
    seconds: 180,
  });
});

it('is done where all is put off', () => {
  const idle = { ...jobs, claimed: 0 };
  expect(workLeft({ jobs: idle, postponed: 100, last_minute: { postponed: 50 } })).toEqual({
    left: 0,
    ended: 0,
    seconds: undefined,
  });
});
