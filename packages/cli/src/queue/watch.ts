import { Presets, SingleBar } from 'cli-progress';
import { formatStatus, type GridStatus, statusJson } from './queue-formats.js';

/** What watching a queue needs. */
export interface WatchOptions {
  readonly ask: () => Promise<GridStatus>;
  readonly json: boolean;
  readonly pause: (milliseconds: number) => Promise<void>;
}

const every = 1_000;
/** Over so many looks the rate is an average. */
const looksAveraged = 10;

/**
 * Follows the queue until nothing in it is left to do: on a terminal with a bar, its rate, and the time that is left;
 * else a line a second as JSON, or only how it was in the end.
 */
export async function watchQueue({ ask, json, pause }: WatchOptions): Promise<void> {
  const bar = json ? undefined : openBar();
  const looks: { at: number; left: number }[] = [];
  let most = 0;
  for (;;) {
    const status = await ask();
    const left = leftToDo(status);
    most = Math.max(most, left);
    looks.push({ at: Date.now(), left });
    if (looks.length > looksAveraged) looks.shift();
    if (json) process.stdout.write(`${statusJson(status)}\n`);
    bar?.setTotal(most);
    bar?.update(most - left, {
      left,
      ...rateOf(looks),
      failed: status.jobs.failed,
      waiting: status.jobs.waiting,
    });
    if (left === 0) {
      bar?.stop();
      if (!json) process.stdout.write(formatStatus(status));
      return;
    }
    await pause(every);
  }
}

function leftToDo({ jobs }: GridStatus): number {
  return jobs.queued + jobs.claimed;
}

function rateOf(looks: readonly { at: number; left: number }[]): { rate: string; time: string } {
  const [first, last] = [looks[0], looks.at(-1)];
  if (!first || !last || last.at === first.at) return { rate: '…', time: '…' };
  const perSecond = (1_000 * (first.left - last.left)) / (last.at - first.at);
  if (perSecond <= 0) return { rate: '0', time: '…' };
  return { rate: perSecond.toFixed(1), time: formatSeconds(last.left / perSecond) };
}

function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function openBar(): SingleBar | undefined {
  if (!process.stderr.isTTY) return undefined;
  const bar = new SingleBar(
    {
      format:
        'repairing {bar} {percentage}%, {left} left at {rate}/s, {time}; {waiting} waiting, {failed} failed',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  bar.start(0, 0, { left: 0, rate: '…', time: '…', waiting: 0, failed: 0 });
  return bar;
}
