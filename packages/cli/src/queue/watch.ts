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
 * Follows the queue until nothing in it is left to do but what is put off, maybe for days: on a terminal with a bar, its
 * rate, and the time that is left; else a line a second as JSON, or only how it was in the end.
 */
export async function watchQueue({ ask, json, pause }: WatchOptions): Promise<void> {
  const bar = json ? undefined : openBar();
  const looks: Look[] = [];
  let most = 0;
  for (;;) {
    const status = await ask();
    const { jobs, postponed } = status;
    const inQueue = jobs.queued + jobs.claimed;
    const left = inQueue - postponed;
    most = Math.max(most, left);
    looks.push({ at: Date.now(), inQueue, left });
    if (looks.length > looksAveraged) looks.shift();
    if (json) process.stdout.write(`${statusJson(status)}\n`);
    bar?.setTotal(most);
    bar?.update(most - left, {
      left,
      ...rateOf(looks),
      postponed,
      failed: jobs.failed,
      waiting: jobs.waiting,
    });
    if (left === 0) {
      bar?.stop();
      if (!json) process.stdout.write(formatStatus(status));
      return;
    }
    await pause(every);
  }
}

interface Look {
  readonly at: number;
  readonly inQueue: number;
  /** Of these, what is not put off. */
  readonly left: number;
}

/** How fast jobs leave the queue: one that is only put off does not. */
function rateOf(looks: readonly Look[]): { rate: string; time: string } {
  const [first, last] = [looks[0], looks.at(-1)];
  if (!first || !last || last.at === first.at) return { rate: '…', time: '…' };
  const perSecond = (1_000 * (first.inQueue - last.inQueue)) / (last.at - first.at);
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
        'repairing {bar} {percentage}%, {left} left at {rate}/s, {time}; {postponed} put off, {waiting} waiting, {failed} failed',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  bar.start(0, 0, { left: 0, rate: '…', time: '…', postponed: 0, waiting: 0, failed: 0 });
  return bar;
}
