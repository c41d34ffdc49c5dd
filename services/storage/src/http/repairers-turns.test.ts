import { describe, expect, it } from 'vitest';
import { RepairersTurns } from './repairers-turns.js';

/** Work that ends when the test says so. */
function longWork() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { end, work: () => ended };
}

const isThere = () => false;

describe('the turns of repairers', () => {
  it('are so many at a time, and in the order in which they asked', async () => {
    const turns = new RepairersTurns(2);
    const [first, second] = [longWork(), longWork()];
    const done: string[] = [];
    const taken = [
      turns.take('readShare', isThere, first.work),
      turns.take('writeShare', isThere, second.work),
      turns.take('listShares', isThere, async () => void done.push('third')),
      turns.take('listShares', isThere, async () => void done.push('fourth')),
    ];
    expect(turns.count).toEqual({ working: 2, waiting: 2 });
    expect(done).toEqual([]);
    second.end();
    await Promise.all(taken.slice(1));
    expect(done).toEqual(['third', 'fourth']);
    expect(turns.count).toEqual({ working: 1, waiting: 0 });
    first.end();
    await taken[0];
  });

  it('are given on where work fails', async () => {
    const turns = new RepairersTurns(1);
    const failing = turns.take('readShare', isThere, async () => {
      throw new Error('no such share');
    });
    const next = turns.take('readShare', isThere, async () => undefined);
    await expect(failing).rejects.toThrow('no such share');
    await next;
    expect(turns.count).toEqual({ working: 0, waiting: 0 });
  });

  it('are not taken by those who have gone meanwhile', async () => {
    const turns = new RepairersTurns(1);
    const { end, work } = longWork();
    const first = turns.take('readShare', isThere, work);
    let worked = false;
    let gone = false;
    const second = turns.take(
      'listShares',
      () => gone,
      async () => {
        worked = true;
      },
    );
    gone = true;
    end();
    await Promise.all([first, second]);
    expect(worked).toBe(false);
  });

  it.each(['version', 'abortUpload', 'reportCorruption', 'reportMutableCorruption'] as const)(
    'are not needed for %s',
    async (route) => {
      const turns = new RepairersTurns(1);
      const { end, work } = longWork();
      const first = turns.take('readShare', isThere, work);
      let worked = false;
      await turns.take(route, isThere, async () => {
        worked = true;
      });
      expect(worked).toBe(true);
      end();
      await first;
    },
  );
});
