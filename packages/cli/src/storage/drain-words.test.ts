import { describe, expect, it } from 'vitest';
import { NotEmptiedError } from './drain.js';
import { type Drain, drainInWords, isEmptied, isEnded, silenceInWords } from './drain-words.js';

const leaving: Drain = {
  serverId: 'v0-a',
  nickname: 's1',
  leavingSince: new Date('2026-11-21T12:00:00Z'),
  lookedAt: null,
  progress: null,
  problem: null,
};
const half = {
  files: 10,
  shares: 20,
  safeFiles: 4,
  safeShares: 9,
  failedFiles: 0,
  waitingFiles: 0,
  mutableShares: 0,
};
const whole = { ...half, safeFiles: 10, safeShares: 20 };
const minutes = 60_000;
const marked = Date.parse('2026-11-21T12:00:00Z');
const words = (change: Partial<Drain>) => drainInWords({ ...leaving, ...change }, marked + minutes);

describe('a drain in words', () => {
  it('says whether the server is leaving at all, and that it has to look first', () => {
    expect(words({ leavingSince: null })).toBe('s1 (v0-a) stays: it takes new shares.\n');
    expect(words({ nickname: null })).toMatch(/^v0-a is leaving since 2026-11-21T12:00:00.000Z: /);
    expect(words({})).toContain('It has not looked yet');
  });

  it('says how much is safe elsewhere, and what is in the way', () => {
    expect(words({ progress: half })).toContain(
      'Of its 10 immutable files, in 20 shares, 4 are safe elsewhere, in 9 shares; 6 are still to be done.',
    );
    const stuck = words({
      progress: { ...half, failedFiles: 2, waitingFiles: 1 },
      problem: 'nobody listens',
    });
    expect(stuck).toContain('; 3 are still to be done.');
    expect(stuck).toContain('2 could not be made healthy: see `holdfast queue failed`.');
    expect(stuck).toContain('Of 1 too few shares can be read at the moment.');
    expect(stuck).toContain('It could not ask repairers the last time: nobody listens.');
    expect(stuck).not.toContain('can be taken away');
  });

  it('lets the server be taken away only where nothing is left that others lack', () => {
    expect(words({ progress: whole })).toMatch(/are safe elsewhere\.\nThe server can be taken away\.\n$/);
    const mutable = words({ progress: { ...whole, mutableShares: 3 } });
    expect(mutable).toContain('It has 3 mutable shares');
    expect(mutable).not.toContain('can be taken away');
  });

  it('says why nothing happens where the server does not look, as it does while it runs', () => {
    const after = (time: number, change: Partial<Drain> = {}) =>
      silenceInWords({ ...leaving, ...change }, marked + time * minutes);
    expect(after(2)).toBeUndefined();
    expect(after(4)).toMatch(/^It has not looked, .*: it does not seem to run\. Only while it runs/);
    expect(after(4, { leavingSince: null })).toBeUndefined();
    const lookedAt = new Date(marked + 2 * minutes);
    expect(after(20, { lookedAt })).toBeUndefined();
    expect(after(40, { lookedAt })).toContain('since 2026-11-21T12:02:00.000Z: it does not seem to run.');
    const silent = drainInWords({ ...leaving, lookedAt, progress: half }, marked + 40 * minutes);
    expect(silent).toContain('6 are still to be done.\nIt has not looked since');
    expect(drainInWords(leaving, marked + 4 * minutes)).not.toContain('it soon will');
  });

  it('is ended where nothing is under way, and the server emptied where nothing has failed, and nothing is left', () => {
    const failed = { ...whole, safeFiles: 9, failedFiles: 1 };
    const mutable = { ...whole, mutableShares: 3 };
    const states = [null, half, failed, mutable, whole].map((progress) => ({ ...leaving, progress }));
    expect(states.map(isEnded)).toEqual([false, false, true, true, true]);
    expect(states.map(isEmptied)).toEqual([false, false, false, false, true]);
    expect(new NotEmptiedError(states[2] as Drain).message).toContain(
      '1 files of s1 could not be made healthy',
    );
    expect(new NotEmptiedError(states[3] as Drain).message).toContain('s1 has 3 mutable shares');
    expect(new NotEmptiedError({ ...leaving, leavingSince: null }).message).toContain('s1 is not leaving');
  });
});
