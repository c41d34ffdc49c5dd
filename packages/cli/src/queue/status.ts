import { setTimeout as delay } from 'node:timers/promises';
import { pausedNow, QuietHoursPause, queueStatus, shownPause, watchStatus } from '@holdfast/repairer';
import { withRepairerNode } from '../nodes/repairer-node.js';
import { formatAlarm, formatStatus, type GridStatus, statusJson } from './queue-formats.js';
import { watchQueue } from './watch.js';

const recentShown = 10;

/** Shows how the queue is doing: once, or with `watch` until it is empty. */
export async function showStatus(options: { dir: string; watch?: true; json?: true }): Promise<void> {
  const { dir, watch, json } = options;
  await withRepairerNode(dir, async ({ database, grid, nickname, quietHours }) => {
    const pauses = [new QuietHoursPause(quietHours)];
    const ask = async (): Promise<GridStatus> => ({
      ...(await queueStatus(database, grid, recentShown)),
      watched: (await watchStatus(database, grid)).files,
      paused: shownPause(nickname, pausedNow(pauses)),
    });
    if (watch) return watchQueue({ ask, json: json ?? false, pause: (ms) => delay(ms) });
    if (json) process.stdout.write(`${statusJson(await ask())}\n`);
    else {
      const { alarm } = await watchStatus(database, grid);
      process.stdout.write(formatAlarm(alarm) + formatStatus(await ask()));
    }
  });
}
