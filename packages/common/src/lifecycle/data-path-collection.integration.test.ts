import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const built = new URL('../../dist/lifecycle/data-path-collection.js', import.meta.url);

/** What happened in a process while some GB of buffers passed through, from its beginning on. */
interface Passed {
  /** How often it began to mark its heap incrementally. */
  readonly markings: number;
  readonly milliseconds: number;
}

/** Passes buffers through a process of its own, twice, with some seconds between. */
async function passThrough(before: string): Promise<readonly [Passed, Passed]> {
  const program = `
    import { constants, PerformanceObserver } from 'node:perf_hooks';
    import { setImmediate, setTimeout } from 'node:timers/promises';
    import { collectForDataPath } from ${JSON.stringify(built.href)};
    ${before}
    let markings = 0;
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries())
        if (detail.kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL) markings++;
    }).observe({ entryTypes: ['gc'] });
    async function pass() {
      const held = [];
      for (let passed = 0; passed < 3_000; passed++) {
        held[passed % 64] = Buffer.allocUnsafeSlow(1024 * 1024);
        // As they become old only where the young are collected.
        if (passed % 8 === 0) Array.from({ length: 3_000 }, () => ({}));
        await setImmediate();
      }
      return { markings, milliseconds: performance.now() };
    }
    const first = await pass();
    await setTimeout(4_500);
    console.log(JSON.stringify([first, await pass()]));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  return JSON.parse(stdout) as [Passed, Passed];
}

describe('collectForDataPath', () => {
  it('has the heap marked incrementally once in some seconds, and not for every few buffers', async () => {
    const [[usual], [first, second]] = await Promise.all([
      passThrough(''),
      passThrough('collectForDataPath();'),
    ]);
    expect(first.markings).toBeGreaterThan(0);
    expect(first.markings).toBeLessThanOrEqual(1 + first.milliseconds / 4_000);
    expect(second.markings).toBeGreaterThan(first.markings);
    expect(usual.markings).toBeGreaterThan(5 * first.markings);
  });
});
