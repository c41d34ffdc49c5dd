import { usualThreshold } from '@holdfast/repairer';
import { describe, expect, it } from 'vitest';
import { type Scenario, Simulation } from './simulate.js';
import { day, hour, year } from './times.js';

/** A small grid with so many losses that nothing lasts without repair. */
const harsh: Scenario = {
  files: 500,
  servers: 40,
  duration: year,
  seed: 7,
  troubles: { yearlyLoss: 0.7, outageEvery: 5 * day, longOutageOneIn: 200, networkCuts: 0 },
  needed: 3,
  total: 10,
  threshold: usualThreshold(7),
  period: 30 * day,
  grace: 3 * day,
  repairsPerHour: 10,
};
const run = (changes: Partial<Scenario> = {}) => new Simulation({ ...harsh, ...changes }).run();

describe('the simulation of repair', () => {
  it('loses no file where repair has the capacity, and many where it has none', () => {
    const repaired = run();
    expect(repaired.serversLost).toBeGreaterThan(20);
    expect(repaired.lost).toBe(0);
    expect(repaired.repairs).toBeGreaterThan(500);
    expect(run({ repairsPerHour: 0 }).lost).toBeGreaterThan(10);
  });

  it('comes out alike with the same seed, and otherwise with another', () => {
    expect(run()).toEqual(run());
    expect(run({ seed: 8 })).not.toEqual(run());
  });

  it('checks each file about once a period where nothing happens', () => {
    const quiet = {
      yearlyLoss: 0,
      outageEvery: Number.POSITIVE_INFINITY,
      longOutageOneIn: 1,
      networkCuts: 0,
    };
    const outcome = run({ troubles: quiet, duration: 300 * day });
    expect(outcome).toMatchObject({ repairs: 0, lost: 0, leastSpare: 7 });
    expect(outcome.checks / harsh.files).toBeGreaterThan(9.5);
    expect(outcome.checks / harsh.files).toBeLessThan(10.5);
  });

  it('repairs nothing for servers that flap within their grace time', () => {
    const troubles = { ...harsh.troubles, yearlyLoss: 0, longOutageOneIn: Number.POSITIVE_INFINITY };
    expect(run({ troubles }).repairs).toBe(0);
    expect(run({ troubles, grace: 0 }).repairs).toBeGreaterThan(100);
  });

  it('repairs nothing while its network is cut off, and gives no server up for it', () => {
    const troubles = {
      yearlyLoss: 0,
      outageEvery: Number.POSITIVE_INFINITY,
      longOutageOneIn: 1,
      networkCuts: 5,
    };
    const outcome = run({ troubles, grace: 12 * hour });
    expect(outcome.suspected).toBeGreaterThan(12 * hour);
    expect(outcome).toMatchObject({ repairs: 0, givenUp: 0 });
  });
});
