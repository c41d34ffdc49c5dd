import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LargeAndSmallInTurn } from './workshop/large-and-small-in-turn.mjs';

const sources = ['packages/*/src/**', 'services/*/src/**', 'interop/src/**', 'bench/src/**', 'workshop/**'];
const integration = sources.map((folder) => `${folder}/*.integration.test.{ts,mjs}`);

export default defineConfig({
  test: {
    // Other packages are used as they are built; only the files under test are compiled on the fly.
    server: { deps: { external: [/\/dist\//] } },
    pool: 'forks',
    // The larger part of the integration tests waits: for processes, clocks and disks. By itself vitest leaves a core free.
    maxWorkers: availableParallelism() + 2,
    sequence: { sequencer: LargeAndSmallInTurn },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: sources.map((folder) => `${folder}/*.test.{ts,mjs}`),
          exclude: integration,
          // They change nothing outside themselves. Loading all modules anew for each file takes a third of the time.
          isolate: false,
          // Long codes on a busy machine take their time.
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: integration,
          // What they change of their process they put back; one of its own for each file took a twelfth of the time.
          isolate: false,
          unstubEnvs: true,
          globalSetup: 'packages/lab/src/testing/global-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // What is waited for comes sooner; a busy machine takes longer than the second that is given by itself.
          expect: { poll: { timeout: 20_000 } },
        },
      },
    ],
  },
});
