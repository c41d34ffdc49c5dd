// Plays one broker, the whole of it as far as membership goes: it listens to the introducer, keeps its cache in Postgres,
// and dials every server.
// Arguments: its folder, the URL of its database, that of the bus, the grid.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '@holdfast/common/database';
import { Lifecycle } from '@holdfast/common/lifecycle';
import { silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { type MemberStatus, Membership } from '@holdfast/membership';
import type { BrokerReport, Order } from './listeners.js';

const [dir = '', databaseUrl = '', bus = '', grid = ''] = process.argv.slice(2);
const logger = silentLogger();
const say = (report: BrokerReport) => process.send?.(report);
const standing = monitorEventLoopDelay({ resolution: 5 });
standing.enable();

/** Milliseconds of the longest time for which the event loop stood, since it was asked last. */
async function longestStanding(): Promise<number> {
  // What is begun anew passes over the first interval.
  await delay(50);
  const longest = standing.max / 1e6;
  standing.reset();
  await delay(50);
  return longest;
}

const database = await openDatabase({ url: databaseUrl, applicationName: 'bench', logger });
const membership = await Membership.open({
  dir,
  configuration: {
    ...{ nickname: 'bench', grid, bus, anonymous: false, grid_managers: {} },
    announcements: { forget_after: 24 * 60 * 60_000, most_servers: 1_000_000 },
  },
  clientName: 'broker',
  logger,
  registry: createRegistry({}),
});

/** Asks seldom: it takes some milliseconds to say how thousands of servers are doing. */
async function until(holds: (statuses: readonly MemberStatus[]) => boolean): Promise<void> {
  while (!holds(membership.statuses())) await delay(200);
}

process.on('message', async (order: Order) => {
  if (order.order === 'expect') {
    await until((statuses) => statuses.length >= order.servers);
    say({ report: 'know' });
    return;
  }
  await until((statuses) => statuses.every(({ state }) => state !== 'connecting'));
  const stood = await longestStanding();
  globalThis.gc?.();
  const { heapUsed: heap, rss: resident } = process.memoryUsage();
  // Not counted: the collection was ours.
  await longestStanding();
  say({ report: 'broker', heap, resident, stood });
});
process.on('disconnect', () => process.exit(0));

await longestStanding();
const started = performance.now();
await membership.join({ database, lifecycle: new Lifecycle(logger) });
const seconds = (performance.now() - started) / 1000;
const servers = membership.statuses().length;
say({ report: 'joined', seconds, servers, stood: await longestStanding() });
