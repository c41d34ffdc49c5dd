import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { absenceAfter, serverState } from './server-state.js';

const minute = 60_000;
const hour = 60 * minute;
const grace = 72 * hour;
const away = { reached: false, networkSuspected: false };
const back = { reached: true, networkSuspected: false };

/** A server's absence after looks of ten minutes for so long. */
function looked(absence: number, time: number, look: typeof away): number {
  for (let passed = 0; passed < time; passed += 10 * minute)
    absence = absenceAfter(absence, { ...look, since: 10 * minute });
  return absence;
}
const stateOf = (reached: boolean, absence: number, leaving = false) =>
  serverState({ reached, absence, leaving }, grace);

describe('a server that nobody reaches', () => {
  it('is suspected for its grace time, and gone after it', () => {
    expect(stateOf(false, looked(0, 71 * hour, away))).toBe('suspected');
    expect(stateOf(false, looked(0, 72 * hour, away))).toBe('gone');
  });

  it('is active as soon as it is back, however long it was away', () => {
    expect(stateOf(true, looked(0, 1000 * hour, away))).toBe('active');
  });

  it('is not given up for a time in which nobody looked', () => {
    expect(absenceAfter(0, { ...away, since: 1000 * hour })).toBeLessThan(hour);
  });

  it('is not given up while the network is suspected', () => {
    const before = looked(0, hour, away);
    expect(looked(before, 1000 * hour, { reached: false, networkSuspected: true })).toBe(before);
  });

  it('has its absence forgotten once it was back for a quarter of it', () => {
    const absence = looked(0, 40 * hour, away);
    expect(looked(absence, 9 * hour, back)).toBeGreaterThan(0);
    expect(looked(absence, 10 * hour, back)).toBe(0);
  });

  it('is given up where it comes back for some minutes a day only', () => {
    let absence = 0;
    for (let day = 0; day < 4; day++) absence = looked(looked(absence, 23.5 * hour, away), 0.5 * hour, back);
    expect(stateOf(false, absence)).toBe('gone');
  });

  it('is never given up where it is there more than half of the time', () => {
    const spells = fc.array(fc.integer({ min: 1, max: 48 }), { maxLength: 50 });
    fc.assert(
      fc.property(spells, (hours) => {
        let absence = 0;
        for (const spell of hours) {
          absence = looked(absence, spell * hour, away);
          expect(stateOf(false, absence)).toBe('suspected');
          absence = looked(absence, spell * hour, back);
        }
      }),
    );
  });
});

describe('a server that is leaving', () => {
  it('is leaving whether it is reached or not, until it is gone', () => {
    expect(stateOf(true, 0, true)).toBe('leaving');
    expect(stateOf(false, hour, true)).toBe('leaving');
    expect(stateOf(false, grace, true)).toBe('gone');
  });
});
