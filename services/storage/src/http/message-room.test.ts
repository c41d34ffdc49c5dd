import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageRoom } from './message-room.js';

describe('MessageRoom', () => {
  it('lets in as much as there is room for, in order, also when some fail', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(10), fc.boolean()), { maxLength: 20 }), async (messages) => {
        const room = new MessageRoom(10);
        const entered: number[] = [];
        let inside = 0;
        await Promise.allSettled(
          messages.map(([bytes, fails], index) =>
            room.during(bytes, async () => {
              entered.push(index);
              inside += bytes;
              expect(inside).toBeLessThanOrEqual(10);
              await delay(0);
              inside -= bytes;
              if (fails) throw new Error('failed');
            }),
          ),
        );
        expect(entered).toEqual(messages.map((_, index) => index));
        expect(await room.during(10, async () => 'all of it')).toBe('all of it');
      }),
      { numRuns: 50 },
    ));
});
