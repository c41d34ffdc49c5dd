import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckCalendar } from './check-calendar.js';

const files = 20;
const ticks = 12;

describe('the calendar of checks', () => {
  it('gives each file when it is due, and once, wherever it was before', () => {
    const move = fc.record({ file: fc.nat(files - 1), ahead: fc.integer({ min: 1, max: ticks }) });
    fc.assert(
      fc.property(fc.array(fc.array(move, { maxLength: 8 }), { maxLength: 60 }), (moments) => {
        const calendar = new CheckCalendar(files, ticks);
        const expected = new Map<number, number>();
        moments.forEach((moves, tick) => {
          const taken: number[] = [];
          for (let file = calendar.take(tick); file !== undefined; file = calendar.take(tick))
            taken.push(file);
          const due = [...expected].filter(([, at]) => at === tick).map(([file]) => file);
          expect(taken.sort((a, b) => a - b)).toEqual(due.sort((a, b) => a - b));
          for (const file of taken) expected.delete(file);
          for (const { file, ahead } of moves) {
            calendar.set(file, tick + ahead);
            expected.set(file, tick + ahead);
          }
        });
      }),
    );
  });
});
