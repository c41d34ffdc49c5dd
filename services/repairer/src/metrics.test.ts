import { Registry } from '@holdfast/common/metrics';
import { expect, it } from 'vitest';
import { countRepairs } from './metrics.js';

it('tell how many jobs are put off, and nothing of the queue where it cannot be asked', async () => {
  let away = false;
  const registry = new Registry();
  const status = async () => {
    if (away) throw new Error('Postgres is away');
    const jobs = { queued: 7, claimed: 1, waiting: 0, done: 0, failed: 0 };
    return { jobs, delayed: 1, postponed: 4, spareShares: [], lastMinute: {}, recent: [] };
  };
  countRepairs({ registry, status, working: () => 0, pauses: [] });
  expect(await registry.metrics()).toMatch(/^holdfast_repair_postponed 4$/m);
  away = true;
  expect(await registry.metrics()).not.toMatch(/^holdfast_repair_postponed /m);
});
