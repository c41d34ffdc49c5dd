import { freePort, startNats, temporaryFolder, waitFor } from '@holdfast/lab';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { silentLogger } from '../logging/index.js';
import { Bus } from './bus.js';
import type { Subject } from './subject.js';
import { type WorkMessage, WorkQueue } from './work-queue.js';

const logger = silentLogger();
const wake: Subject<Record<string, never>> = { name: 'test.wake', schema: z.strictObject({}) };
const never = new AbortController().signal;

function worker(url: string, acknowledgeWithin = 30_000) {
  const bus = new Bus({ url, name: 'worker', logger });
  const queue = new WorkQueue({
    bus,
    logger,
    stream: 'test-work',
    subject: wake.name,
    consumer: 'workers',
    acknowledgeWithin,
    mostMessages: 100,
  });
  return {
    bus,
    queue,
    ready: () => waitFor('the work queue', () => queue.ready || undefined),
    [Symbol.asyncDispose]: async () => {
      queue.close();
      await bus.close();
    },
  };
}

const taken = (message: WorkMessage | undefined): WorkMessage => {
  if (!message) throw new Error('there was no message');
  return message;
};

describe('a work queue', () => {
  it('hands each message to one of many workers', async () => {
    await using nats = await startNats();
    await using one = await worker(nats.url);
    await using two = await worker(nats.url);
    await Promise.all([one.ready(), two.ready()]);
    for (let sent = 0; sent < 20; sent++) one.bus.publish(wake, {});
    const counts = await Promise.all(
      [one, two].map(async ({ queue }) => {
        let count = 0;
        for (let message = await queue.next(500, never); message; message = await queue.next(500, never)) {
          message.acknowledge();
          count++;
        }
        return count;
      }),
    );
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(20);
    expect(await one.queue.next(0, never)).toBeUndefined();
  });

  it('hands a message to whoever waits for one, for whatever time', async () => {
    await using nats = await startNats();
    await using one = await worker(nats.url);
    await one.ready();
    const waiting = [60_000 / 7, 60_000].map((time) => one.queue.next(time, never));
    for (const _ of waiting) one.bus.publish(wake, {});
    for (const message of await Promise.all(waiting)) taken(message).acknowledge();
    expect(one.queue.ready).toBe(true);
  }, 20_000);

  it('hands a message out again that was neither acknowledged nor held in time', async () => {
    await using nats = await startNats();
    await using one = await worker(nats.url, 5_000);
    await using two = await worker(nats.url, 5_000);
    await Promise.all([one.ready(), two.ready()]);
    one.bus.publish(wake, {});
    const held = taken(await one.queue.next(5_000, never));
    for (let times = 0; times < 4; times++) {
      expect(await two.queue.next(1_500, never)).toBeUndefined();
      held.hold();
    }
    const again = taken(await two.queue.next(15_000, never));
    again.acknowledge();
    expect(await one.queue.next(6_000, never)).toBeUndefined();
  });

  it('is made anew where the server lost it', async () => {
    const port = await freePort();
    const first = await startNats({ port });
    await using one = await worker(first.url);
    await one.ready();
    one.bus.publish(wake, {});
    taken(await one.queue.next(5_000, never)).acknowledge();
    await first[Symbol.asyncDispose]();
    await waitFor('the loss', () => !one.bus.connected || undefined);
    expect(await one.queue.next(50, never)).toBeUndefined();
    await using _second = await startNats({ port });
    await waitFor('a message', async () => {
      one.bus.publish(wake, {});
      const message = await one.queue.next(200, never);
      message?.acknowledge();
      return message && true;
    });
  });

  it('is made anew where somebody removed it', async () => {
    await using nats = await startNats();
    await using one = await worker(nats.url);
    await one.ready();
    await one.bus.request('$JS.API.STREAM.DELETE.test-work', new Uint8Array(), 5_000);
    await waitFor('a message', async () => {
      one.bus.publish(wake, {});
      const message = await one.queue.next(200, never);
      message?.acknowledge();
      return message && true;
    });
  });

  it('keeps no more than it was told, and takes over new terms', async () => {
    await using nats = await startNats();
    await using one = await worker(nats.url, 1_000);
    await one.ready();
    await using two = await worker(nats.url, 60_000);
    await two.ready();
    for (let sent = 0; sent < 150; sent++) one.bus.publish(wake, {});
    // What is acknowledged before the last is stored makes room for one more.
    await waitFor('all are stored', async () => {
      const info = await one.bus.request('$JS.API.STREAM.INFO.test-work', new Uint8Array(), 5_000);
      return info.json<{ state: { last_seq: number } }>().state.last_seq === 150 || undefined;
    });
    let count = 0;
    for (
      let message = await two.queue.next(300, never);
      message;
      message = await two.queue.next(300, never)
    ) {
      message.acknowledge();
      count++;
    }
    expect(count).toBe(100);
  });

  it('lets time pass where there is no JetStream, and ends at once when it is told to', async () => {
    await using folder = await temporaryFolder('nats');
    await using nats = await startNats({ dir: folder.path, jetstream: false });
    await using one = await worker(nats.url);
    await waitFor('the bus', () => one.bus.connected || undefined);
    const began = Date.now();
    expect(await one.queue.next(300, never)).toBeUndefined();
    expect(Date.now() - began).toBeGreaterThanOrEqual(290);
    expect(one.queue.ready).toBe(false);
    const ending = new AbortController();
    const waiting = one.queue.next(3_600_000, ending.signal);
    ending.abort();
    expect(await waiting).toBeUndefined();
  });
});
