import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { lookAgain } from './repeated-look.js';

it('a page that looks again and again begins no look while one is under way, and goes on after it', async () => {
  let begun = 0;
  let answer: () => void = () => undefined;
  const stop = lookAgain(2, () => {
    begun++;
    return new Promise((resolve) => {
      answer = resolve;
    });
  });
  try {
    await expect.poll(() => begun).toBe(1);
    await delay(40);
    expect(begun).toBe(1);
    answer();
    await expect.poll(() => begun).toBe(2);
    answer();
    await expect.poll(() => begun).toBe(3);
  } finally {
    stop();
  }
  answer();
  await delay(20);
  expect(begun).toBe(3);
});
