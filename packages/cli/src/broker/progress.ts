import { Transform } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';
import { formatBytes } from '../format-bytes.js';

/** Shows on a terminal how many bytes have passed; passes them on silently where standard error is none. */
export interface Progress {
  readonly counter: Transform;
  end(): void;
}

/**
 * @param what one word for the line: `storing`
 * @param total bytes expected, or undefined where nobody knows
 */
export function showProgress(what: string, total: number | undefined): Progress {
  const bar =
    process.stderr.isTTY && total !== undefined
      ? new SingleBar(barOptions(what), Presets.shades_classic)
      : undefined;
  bar?.start(total ?? 0, 0);
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bar?.increment(chunk.length);
      done(null, chunk);
    },
  });
  return { counter, end: () => bar?.stop() };
}

function barOptions(what: string) {
  return {
    format: `${what} {bar} {percentage}% of {total}, {eta_formatted} left`,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    formatValue: (value: number, _options: unknown, type: string) =>
      type === 'total' ? formatBytes(value) : String(value),
  };
}
