import { describe, expect, it } from 'vitest';
import { repairSubjects, watchSubjects } from './index.js';

const repairs = repairSubjects('test');
const watch = watchSubjects('test');

describe('what repairers of a newer release say', () => {
  it('is understood though there is more in it, and results, states and reasons that nobody here has heard of', () => {
    const endedAt = '2026-01-02T03:04:05.678Z';
    const job = { state: 'resting', result: 'composted', endedAt, begunAt: endedAt };
    expect(repairs.standings.answer.parse({ jobs: [{ ...job, mood: 'good' }, null], more: 1 })).toEqual({
      jobs: [job, null],
    });
    const added = { added: 0, known: 0, refused: [{ position: 0, code: 'purple', reason: 'no' }] };
    expect(repairs.add.answer.parse({ ...added, more: 1 })).toEqual(added);
    expect(watch.add.answer.parse({ ...added, more: 1 })).toEqual(added);
    const alarm = { suspected: true, reason: 'moon-full' };
    expect(watch.alarm.schema.parse({ ...alarm, more: 1 })).toEqual(alarm);
    const status = {
      jobs: { queued: 0, claimed: 0, waiting: 0, done: 0, failed: 0 },
      delayed: 0,
      spareShares: [],
      lastMinute: {},
      recent: [],
      alarm: { reason: 'moon-full', since: endedAt },
    };
    expect(repairs.status.answer.parse(status)).toMatchObject(status);
    const servers = { active: 0, leaving: 0, suspected: 0, gone: 0 };
    const watched = { files: [], servers, alarm: status.alarm, scheduler: null };
    expect(watch.status.answer.parse(watched)).toEqual(watched);
    const attempt = { storageIndex: 'a', source: 'bus', generation: 1, attempt: 1, state: 'resting' };
    const ended = { result: 'composted', error: null, outcome: null, worker: 'r1', endedAt, milliseconds: 1 };
    expect(repairs.outcome.schema.parse({ ...attempt, ...ended, more: 1 })).toEqual({ ...attempt, ...ended });
  });
});

describe('what repairers are asked', () => {
  it('is refused where there is more in it than they understand', () => {
    const files = ['a'.repeat(26)];
    expect(repairs.add.schema.safeParse({ files }).success).toBe(true);
    expect(repairs.add.schema.safeParse({ files, urgently: true }).success).toBe(false);
  });
});
