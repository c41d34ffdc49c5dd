/** Middle value; of two middle ones their mean. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
}

/** Seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Times `work` is done per second, over at least `forSeconds` and after one warming run. */
export function perSecond(work: () => unknown, forSeconds = 0.5): number {
  work();
  const started = performance.now();
  let count = 0;
  let passed = 0;
  while (passed < forSeconds) {
    work();
    count++;
    passed = (performance.now() - started) / 1000;
  }
  return count / passed;
}

/** Does `work` for each of `count` numbers, `atOnce` at a time; resolves to how many were done per second. */
export async function throughput(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  return count / (await seconds(() => Promise.all(Array.from({ length: atOnce }, worker))));
}
