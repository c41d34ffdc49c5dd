import type { CheckResults } from '@holdfast/grid';
import { describe, expect, it } from 'vitest';
import type { ServerState } from './decisions/index.js';
import { healthOnRecord, isFailedCheck, recordCheck } from './file-record.js';

const on = (serverId: string, ...shareNumbers: number[]) =>
  shareNumbers.map((shareNumber) => ({ shareNumber, serverId }));

/** A check of a file of 3-of-10 that found these shares; who had none answered as well where named. */
function found(
  goodShares: CheckResults['goodShares'],
  more: Partial<Pick<CheckResults, 'serversResponding' | 'serversFailed' | 'leavingShares'>> = {},
): CheckResults {
  return {
    storageIndex: new Uint8Array(16),
    capability: undefined,
    authenticated: true,
    proven: true,
    wrongCapability: false,
    verified: false,
    needed: 3,
    expected: 10,
    goodShares,
    leavingShares: [],
    corruptShares: [],
    serversResponding: [...new Set(goodShares.map(({ serverId }) => serverId))],
    serversFailed: [],
    goodShareCount: 0,
    goodShareHosts: 0,
    happiness: 0,
    healthy: false,
    recoverable: true,
    ...more,
  };
}
const nothingBefore = { shares: [], needed: undefined, expected: undefined };
const states =
  (states: Record<string, ServerState>) =>
  (id: string): ServerState =>
    states[id] ?? 'active';

describe('the record of a file after a check', () => {
  it('has what was found', () => {
    const { shares, health } = recordCheck(
      found([...on('a', 0, 1), ...on('b', 1, 2)]),
      nothingBefore,
      states({}),
    );
    expect(shares).toHaveLength(4);
    expect(health).toEqual({ needed: 3, expected: 10, readable: 3, lasting: 3, servers: 2 });
  });

  it('keeps the shares of servers that did not answer and are not given up', () => {
    const before = { shares: [...on('b', 3), ...on('c', 4), ...on('d', 5)], needed: 3, expected: 10 };
    const { shares, health } = recordCheck(
      found(on('a', 0, 1, 2)),
      before,
      states({ b: 'suspected', c: 'gone', d: 'leaving' }),
    );
    expect(shares).toEqual([...on('a', 0, 1, 2), ...on('b', 3), ...on('d', 5)]);
    expect(health).toMatchObject({ readable: 3, lasting: 4, servers: 2 });
  });

  it('drops what servers that answered no longer have', () => {
    const before = { shares: on('b', 3), needed: 3, expected: 10 };
    const { shares } = recordCheck(found(on('a', 0), { serversResponding: ['a', 'b'] }), before, states({}));
    expect(shares).toEqual(on('a', 0));
  });

  it('counts what is on leaving servers as readable only', () => {
    const { health } = recordCheck(
      found(on('a', 0, 1, 2), { leavingShares: on('b', 3) }),
      nothingBefore,
      states({}),
    );
    expect(health).toMatchObject({ readable: 4, lasting: 3, servers: 1 });
  });

  it('knows nothing of the health where nothing says what the file is', () => {
    const unknown = { ...found([]), needed: undefined, expected: undefined };
    expect(recordCheck(unknown, nothingBefore, states({})).health).toBeUndefined();
    expect(recordCheck(unknown, { shares: [], needed: 3, expected: 10 }, states({})).health).toMatchObject({
      readable: 0,
    });
  });

  it('gives a health without a check', () => {
    const before = { shares: [...on('a', 0), ...on('b', 1), ...on('c', 2)], needed: 3, expected: 10 };
    expect(healthOnRecord(before, states({ b: 'suspected', c: 'gone' }))).toEqual({
      needed: 3,
      expected: 10,
      readable: 1,
      lasting: 2,
      servers: 2,
    });
  });
});

describe('a check', () => {
  const failed = (...ids: string[]) =>
    ids.map((serverId, place) => ({ serverId, error: 'unreachable', place }));

  it('failed where most servers did not answer', () => {
    const results = found(on('a', 0), { serversFailed: failed('b', 'c') });
    expect(isFailedCheck(results, states({}))).toBe(true);
    expect(isFailedCheck(results, states({ b: 'gone' }))).toBe(false);
  });

  it('has not failed for servers that answered and could not give some of their shares', () => {
    const serversFailed = failed('a', 'a', 'b', 'b', 'b');
    const results = found([...on('a', 0), ...on('c', 1)], { serversFailed });
    expect(isFailedCheck(results, states({}))).toBe(false);
  });
});
