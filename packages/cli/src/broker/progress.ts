import { Transform } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';

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

/** Bytes as people read them: `1.5 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const step = Math.min(units.length - 1, bytes < 1_000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${step === 0 ? bytes : (bytes / 1000 ** step).toFixed(1)} ${units[step]}`;
}
