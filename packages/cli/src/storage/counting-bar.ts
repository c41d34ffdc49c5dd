import { Presets, SingleBar } from 'cli-progress';

/** Shows on a terminal how far something has come; nothing where standard error is none. */
export interface CountingBar {
  /** @param done from 0 to 1 */
  show(done: number, shares: number): void;
  end(): void;
}

/** @param what one word for the line: `recovering` */
export function showCounting(what: string): CountingBar {
  if (!process.stderr.isTTY) return { show: () => {}, end: () => {} };
  const bar = new SingleBar(
    {
      format: `${what} {bar} {percentage}%, {shares} shares`,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  bar.start(1, 0, { shares: 0 });
  return { show: (done, shares) => bar.update(done, { shares }), end: () => bar.stop() };
}
