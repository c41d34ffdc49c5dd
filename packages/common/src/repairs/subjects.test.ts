import { describe, expect, it } from 'vitest';
import { repairSubjects, watchSubjects } from './index.js';

const repairs = repairSubjects('test');
const watch = watchSubjects('test');

describe('what repairers of a newer release say', () => {
  it('is understood though there is more in it, and a result that nobody here has heard of', () => {
    const endedAt = '2026-01-02T03:04:05.678Z';
    const job = { state: 'done', result: 'composted', endedAt, begunAt: endedAt };
    expect(repairs.standings.answer.parse({ jobs: [{ ...job, mood: 'good' }, null], more: 1 })).toEqual({
      jobs: [job, null],
    });
    const added = { added: 0, known: 0, refused: [{ position: 0, code: 'purple', reason: 'no' }] };
    expect(repairs.add.answer.parse({ ...added, more: 1 })).toEqual(added);
    expect(watch.add.answer.parse({ ...added, more: 1 })).toEqual(added);
    const alarm = { suspected: false, reason: null };
    expect(watch.alarm.schema.parse({ ...alarm, more: 1 })).toEqual(alarm);
  });
});

describe('what repairers are asked', () => {
  it('is refused where there is more in it than they understand', () => {
    const files = ['a'.repeat(26)];
    expect(repairs.add.schema.safeParse({ files }).success).toBe(true);
    expect(repairs.add.schema.safeParse({ files, urgently: true }).success).toBe(false);
  });
});
