import { setImmediate as nextTurn } from 'node:timers/promises';

/** Milliseconds that nobody notices. */
const usualSlice = 10;

/** Does something with each of very many, in order, and lets the event loop do what else there is to do now and then. */
export async function inSlices<T>(items: Iterable<T>, work: (item: T) => void): Promise<void> {
  let until = performance.now() + usualSlice;
  for (const item of items) {
    work(item);
    if (performance.now() < until) continue;
    await nextTurn();
    until = performance.now() + usualSlice;
  }
}
