import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const built = new URL('../../dist/lifecycle/data-path-collection.js', import.meta.url);

/** How often a process, from its beginning on, … */
interface Counts {
  /** … collected its whole heap … */
  readonly collections: number;
  /** … and began to mark it incrementally. */
  readonly markings: number;
}

/** A process through which some GB of buffers pass, twice, with some seconds between. */
const program = `
  import { constants, PerformanceObserver } from 'node:perf_hooks';
  import { setImmediate, setTimeout } from 'node:timers/promises';
  import { collectForDataPath } from ${JSON.stringify(built.href)};
  collectForDataPath();
  const { NODE_PERFORMANCE_GC_MAJOR: major, NODE_PERFORMANCE_GC_INCREMENTAL: incremental } = constants;
  const counts = { collections: 0, markings: 0 };
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) {
      if (detail.kind === major) counts.collections++;
      if (detail.kind === incremental) counts.markings++;
    }
  }).observe({ entryTypes: ['gc'] });
  async function pass() {
    const held = [];
    for (let passed = 0; passed < 3_000; passed++) {
      held[passed % 64] = Buffer.allocUnsafeSlow(1024 * 1024);
      // They become old only where the young are collected.
      if (passed % 8 === 0) Array.from({ length: 3_000 }, () => ({}));
      await setImmediate();
    }
  }
  await pass();
  const first = { ...counts };
  await setTimeout(7_000);
  await pass();
  console.log(JSON.stringify([first, counts]));`;

describe('collectForDataPath', () => {
  // A later V8 never marks incrementally: see there.
  it.runIf(process.versions.v8.startsWith('11.3.'))(
    'with the V8 of Node.js 20 has the heap marked incrementally after some quiet seconds, and not for every few buffers',
    async () => {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [
        '--input-type=module',
        '-e',
        program,
      ]);
      // There V8 says which flags it does not know.
      expect(stderr).toBe('');
      const [first, both] = JSON.parse(stdout) as [Counts, Counts];
      expect(first.markings).toBeGreaterThan(0);
      expect(first.collections).toBeGreaterThan(5 * first.markings);
      expect(both.markings).toBeGreaterThan(first.markings);
      expect(both.collections - first.collections).toBeGreaterThan(5 * (both.markings - first.markings));
    },
  );
});
