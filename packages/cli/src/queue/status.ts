import { setTimeout as delay } from 'node:timers/promises';
import { queueStatus, watchStatus } from '@holdfast/repairer';
import { withRepairerNode } from '../nodes/repairer-node.js';
import { formatAlarm, formatStatus, statusJson } from './queue-formats.js';
import { watchQueue } from './watch.js';

const recentShown = 10;

/** Shows how the queue is doing: once, or with `watch` until it is empty. */
export async function showStatus(options: { dir: string; watch?: true; json?: true }): Promise<void> {
  const { dir, watch, json } = options;
  await withRepairerNode(dir, async ({ database, grid }) => {
    const ask = () => queueStatus(database, grid, recentShown);
    if (watch) return watchQueue({ ask, json: json ?? false, pause: (ms) => delay(ms) });
    if (json) process.stdout.write(`${statusJson(await ask())}\n`);
    else {
      const { alarm } = await watchStatus(database, grid);
      process.stdout.write(formatAlarm(alarm) + formatStatus(await ask()));
    }
  });
}
