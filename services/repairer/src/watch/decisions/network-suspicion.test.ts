import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NetworkEvidence, suspectNetwork, unsuspected } from './network-suspicion.js';

const minute = 60_000;
const well: NetworkEvidence = { servers: 1000, away: 20, checks: 500, failedChecks: 3 };
const think = (evidence: Partial<NetworkEvidence>, before = unsuspected, since = minute) =>
  suspectNetwork(before, { ...well, ...evidence }, since, 5 * minute);

describe('the network', () => {
  it('is not suspected for some servers that are away', () => {
    expect(think({ away: 400 }).suspected).toBe(false);
    expect(think({ servers: 0, away: 0 }).suspected).toBe(false);
  });

  it('is suspected where most servers vanish together', () => {
    expect(think({ away: 501 })).toMatchObject({ suspected: true, reason: 'servers-away' });
  });

  it('is suspected in a small grid too, though hardly a check was made; not for one of two servers', () => {
    const idle = { checks: 0, failedChecks: 0 };
    expect(think({ servers: 3, away: 2, ...idle })).toMatchObject({
      suspected: true,
      reason: 'servers-away',
    });
    expect(think({ servers: 3, away: 1, ...idle }).suspected).toBe(false);
    expect(think({ servers: 2, away: 2, ...idle }).suspected).toBe(false);
  });

  it('is suspected where most checks fail, and not for a few', () => {
    expect(think({ failedChecks: 251 })).toMatchObject({ suspected: true, reason: 'checks-failing' });
    expect(think({ checks: 19, failedChecks: 19 }).suspected).toBe(false);
  });

  it('is trusted again by itself, when all was well for some minutes', () => {
    let network = think({ away: 900 });
    for (let minutes = 1; minutes < 5; minutes++) {
      network = think({}, network);
      expect(network).toMatchObject({ suspected: true, reason: 'servers-away' });
    }
    expect(think({}, network)).toEqual(unsuspected);
  });

  it('is not trusted while it comes and goes', () => {
    let network = think({ away: 900 });
    for (let minutes = 0; minutes < 60; minutes++)
      network = think(minutes % 4 === 3 ? { away: 900 } : {}, network);
    expect(network.suspected).toBe(true);
  });

  it('is suspected at every moment at which the evidence speaks against it', () => {
    const evidence = fc.record({
      servers: fc.nat(1000),
      away: fc.nat(1000),
      checks: fc.nat(1000),
      failedChecks: fc.nat(1000),
    });
    fc.assert(
      fc.property(fc.array(evidence, { maxLength: 20 }), (moments) => {
        let network = unsuspected;
        for (const moment of moments) {
          network = suspectNetwork(network, moment, minute, 5 * minute);
          if (moment.servers >= 3 && 2 * moment.away > moment.servers) expect(network.suspected).toBe(true);
        }
      }),
    );
  });
});
