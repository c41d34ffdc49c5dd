import { existsSync } from 'node:fs';
import { BaseSequencer } from 'vitest/node';

/** Those that take longest, the longest first. One of them begun among the last is waited for when all others have ended. */
const longest = [
  'services/repairer/src/reliability.integration.test.ts',
  'services/storage/src/kills.integration.test.ts',
  'services/storage/src/recovery/recover.integration.test.ts',
  'interop/src/mutable.integration.test.ts',
  'services/repairer/src/watch/watch.integration.test.ts',
  'packages/grid/src/connections.integration.test.ts',
  'packages/lab/src/grid/lab.integration.test.ts',
  'services/storage/src/recovery/older-copy.integration.test.ts',
  'interop/src/interop.integration.test.ts',
];

/**
 * Runs large and small files of integration tests in turn. By itself vitest begins with the largest, which mostly wait, and
 * ends with the smallest, each of which brings servers of its own up: the cores were idle for a third of the first half,
 * and too few in the second.
 */
export class LargeAndSmallInTurn extends BaseSequencer {
  async sort(files) {
    const sorted = await super.sort(files);
    const isIntegration = ({ project }) => project.name === 'integration';
    const others = sorted.filter((file) => !isIntegration(file));
    return [...inTurn(longestFirst(sorted.filter(isIntegration))), ...others];
  }
}

function longestFirst(files) {
  const missing = longest.find((path) => !existsSync(new URL(`../${path}`, import.meta.url)));
  if (missing) throw new Error(`${missing}, named in this file as a test that takes long, is not there`);
  const place = ({ moduleId }) => {
    const found = longest.findIndex((path) => moduleId.endsWith(path));
    return found === -1 ? longest.length : found;
  };
  return files.toSorted((a, b) => place(a) - place(b));
}

/** The first, the last, the second, the last but one, and so on. */
function inTurn(files) {
  return files.map((_, index) => files[index % 2 === 0 ? index / 2 : files.length - (index + 1) / 2]);
}
