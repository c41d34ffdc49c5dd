import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Room } from './room.js';

describe('Room', () => {
  it('is entered at once or not at all, and given back once', async () => {
    const room = new Room(10);
    const leave = room.enterNow(6);
    expect(room.enterNow(5)).toBeUndefined();
    leave?.();
    leave?.();
    expect(room.enterNow(11)).toBeUndefined();
    expect(room.enterNow(10)).toBeDefined();
  });

  it('lets in as much as there is room for, in order, also when some fail', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(10), fc.boolean()), { maxLength: 20 }), async (pieces) => {
        const room = new Room(10);
        const entered: number[] = [];
        let inside = 0;
        await Promise.allSettled(
          pieces.map(([size, fails], index) =>
            room.during(size, async () => {
              entered.push(index);
              inside += size;
              expect(inside).toBeLessThanOrEqual(10);
              await delay(0);
              inside -= size;
              if (fails) throw new Error('failed');
            }),
          ),
        );
        expect(entered).toEqual(pieces.map((_, index) => index));
        expect(await room.during(10, async () => 'all of it')).toBe('all of it');
      }),
      { numRuns: 50 },
    ));
});
