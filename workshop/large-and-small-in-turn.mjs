import { BaseSequencer } from 'vitest/node';

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
    return [...inTurn(sorted.filter(isIntegration)), ...others];
  }
}

/** The first, the last, the second, the last but one, and so on. */
function inTurn(files) {
  return files.map((_, index) => files[index % 2 === 0 ? index / 2 : files.length - (index + 1) / 2]);
}
