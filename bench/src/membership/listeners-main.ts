// Plays brokers that hear of servers: each with a bus, a subscription and a set of known servers of its own, and without
// connections to these.
// Arguments: the URL of the bus, the grid, how many brokers.
import { setTimeout as delay } from 'node:timers/promises';
import { AnnouncementSubscriber } from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import { silentLogger } from '@holdfast/common/logging';
import { KnownServers } from '@holdfast/membership';
import type { Order, Report } from './listeners.js';

const [url = '', grid = '', count = '1'] = process.argv.slice(2);
const logger = silentLogger();
const say = (report: Report) => process.send?.(report);

let expected = Number.POSITIVE_INFINITY;
const brokers = Array.from({ length: Number(count) }, (_, index) => {
  const bus = new Bus({ url, name: `broker ${index}`, logger });
  const known = new KnownServers({ set: () => {}, forget: () => {} }, { most: Number.POSITIVE_INFINITY });
  const heard = new Set<string>();
  const onAnnouncement: ConstructorParameters<typeof AnnouncementSubscriber>[0]['onAnnouncement'] = (
    announcement,
  ) => {
    known.hear({ introducer: 'default', announcement });
    heard.add(announcement.serverId);
    if (heard.size === expected && brokers.every((broker) => broker.heard.size >= expected)) {
      expected = Number.POSITIVE_INFINITY;
      say({ report: 'know' });
    }
  };
  return { bus, heard, subscriber: new AnnouncementSubscriber({ bus, grid, logger, onAnnouncement }) };
});

process.on('message', (order: Order) => {
  if (order.order === 'expect') {
    for (const { heard } of brokers) heard.clear();
    expected = order.servers;
    return;
  }
  const traffic = brokers.map(({ bus }) => bus.traffic);
  say({
    report: 'figures',
    messages: traffic.reduce((sum, { messages }) => sum + messages, 0),
    bytes: traffic.reduce((sum, { bytes }) => sum + bytes, 0),
  });
});
process.on('disconnect', () => process.exit(0));

for (const { subscriber } of brokers) subscriber.start();
while (!brokers.every(({ bus }) => bus.connected)) await delay(20);
say({ report: 'listening' });
