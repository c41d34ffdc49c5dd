import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SlotTurns } from './slot-turns.js';

describe('SlotTurns', () => {
  it('lets one at a time work at a slot, in order, also after one has failed', async () => {
    const turns = new SlotTurns(100);
    const order: number[] = [];
    let working = 0;
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        turns.take('a', async () => {
          expect(++working).toBe(1);
          await delay(Math.random() * 3);
          working--;
          order.push(index);
          if (index === 5) throw new Error('failed');
          return index;
        }),
      ),
    );
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(results.map(({ status }) => status).filter((status) => status === 'rejected')).toHaveLength(1);
  });

  it('lets slots work beside each other', async () => {
    const turns = new SlotTurns(100);
    let release = () => {};
    const first = turns.take('a', () => new Promise<void>((resolve) => (release = resolve)));
    expect(await turns.take('b', async () => 'done')).toBe('done');
    release();
    await first;
  });

  it('turns away who comes when too many wait, and none later', async () => {
    const turns = new SlotTurns(2);
    const taken = Array.from({ length: 3 }, () => turns.take('a', () => delay(1)));
    await expect(turns.take('a', async () => undefined)).rejects.toMatchObject({ code: 'slot-busy' });
    await Promise.all(taken);
    await turns.take('a', async () => undefined);
  });
});
