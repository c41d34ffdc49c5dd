import { expect, it } from 'vitest';
import { inSlices } from './in-slices.js';

it('does all in order, and lets others have their turn meanwhile', async () => {
  const done: (number | string)[] = [];
  setImmediate(() => done.push('another'));
  await inSlices([1, 2, 3], (item) => {
    const until = performance.now() + 15;
    while (performance.now() < until);
    done.push(item);
  });
  expect(done.filter((each) => each !== 'another')).toEqual([1, 2, 3]);
  expect(done.indexOf('another')).toBeLessThan(done.indexOf(3));
});
