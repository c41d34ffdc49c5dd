import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, startNats, startSocksProxy, temporaryFolder, waitFor } from '@holdfast/lab';
import { connect } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { connectionTypes } from '../connections/index.js';
import { silentLogger } from '../logging/index.js';
import { Bus } from './bus.js';
import type { Question, Subject } from './subject.js';

const logger = silentLogger();
const news: Subject<{ text: string }> = { name: 'test.news', schema: z.strictObject({ text: z.string() }) };
const double: Question<number, number> = { name: 'test.double', schema: z.number(), answer: z.number() };

const until = (what: string, holds: () => boolean | Promise<boolean>) =>
  waitFor(what, async () => (await holds()) || undefined);
const connected = (bus: Bus) => until('the bus', () => bus.connected);

describe('the bus', () => {
  it('carries what is said and what is asked', async () => {
    await using nats = await startNats();
    const [one, two] = [
      new Bus({ url: nats.url, name: 'one', logger }),
      new Bus({ url: nats.url, name: 'two', logger }),
    ];
    const heard: string[] = [];
    one.subscribe(news, ({ text }) => {
      heard.push(text);
    });
    one.serve(double, (value) => value * 2);
    await connected(one);
    await connected(two);
    await until('an answer', async () => (await two.ask(double, 21)) === 42);
    expect(two.publish(news, { text: 'hello' })).toBe(true);
    await until('the news', () => heard.length === 1);
    expect(heard).toEqual(['hello']);
    await Promise.all([one.close(), two.close()]);
  });

  it('comes up after its user, and comes back after the server has been away', async () => {
    const port = await freePort();
    const bus = new Bus({ url: `nats://127.0.0.1:${port}`, name: 'early', logger });
    let connections = 0;
    bus.onConnect(() => {
      connections++;
    });
    bus.serve(double, (value) => value * 2);
    await delay(200);
    expect(bus.connected).toBe(false);
    expect(bus.publish(news, { text: 'lost' })).toBe(false);
    await expect(bus.ask(double, 1)).rejects.toThrow('bus: test.double: not connected');
    for (const round of [1, 2]) {
      await using _nats = await startNats({ port });
      await connected(bus);
      await until('an answer after the start', async () => (await bus.ask(double, 4)) === 8);
      await until('the reconnection', () => connections === round);
    }
    await until('the loss', () => !bus.connected);
    await bus.close();
  });

  it('says at once that nobody listens', async () => {
    await using nats = await startNats();
    const bus = new Bus({ url: nats.url, name: 'lonely', logger });
    await connected(bus);
    await expect(bus.ask(double, 1)).rejects.toThrow('bus: test.double: nobody listens');
    await bus.close();
  });

  it('passes over what is malformed and goes on', async () => {
    await using nats = await startNats();
    const bus = new Bus({ url: nats.url, name: 'patient', logger });
    const heard: string[] = [];
    bus.subscribe(news, ({ text }) => {
      heard.push(text);
    });
    bus.serve(double, (value) => value * 2);
    await connected(bus);
    const raw = await connect({ servers: new URL(nats.url).host });
    for (const payload of ['', 'not json', '{"text":1}', '{"text":"a","more":1}', '\u{fffd}', '[[[['])
      raw.publish(news.name, payload);
    raw.publish(news.name, new Uint8Array([0xff, 0xfe]));
    const refused = await raw.request(double.name, '"two"', { timeout: 20_000 });
    expect(refused.json()).toEqual({ refused: expect.stringContaining('malformed message on test.double') });
    raw.publish(news.name, '{"text":"good"}');
    await until('the good one', () => heard.length > 0);
    expect(heard).toEqual(['good']);
    expect(await bus.ask(double, 3)).toBe(6);
    const wrong: Question<string, number> = { ...double, schema: z.string() };
    await expect(bus.ask(wrong, 'two')).rejects.toMatchObject({
      code: 'bus-refused',
      reason: expect.stringContaining('malformed message on test.double'),
    });
    await raw.close();
    await bus.close();
  });
});

describe('a question on the bus', () => {
  it('is not answered where something else is said, since whoever asks may not be the one to say it', async () => {
    await using nats = await startNats();
    const bus = new Bus({ url: nats.url, name: 'answering', logger });
    const asked: number[] = [];
    const heard: unknown[] = [];
    bus.serve(double, (value) => {
      asked.push(value);
      return value * 2;
    });
    bus.subscribe({ name: news.name, schema: z.unknown() }, (value) => void heard.push(value));
    await connected(bus);
    const raw = await connect({ servers: new URL(nats.url).host });
    raw.publish(double.name, '1', { reply: news.name });
    raw.publish(double.name, '"refused"', { reply: news.name });
    expect((await raw.request(double.name, '2', { timeout: 20_000 })).json()).toBe(4);
    // What was said before is heard before.
    raw.publish(news.name, '"end"');
    await until('the end', () => heard.includes('end'));
    expect({ asked, heard }).toEqual({ asked: [2], heard: ['end'] });
    await raw.close();
    await bus.close();
  });
});

describe('a bus that is one server of a cluster', () => {
  it('is the only one that is gone to, though it tells of the others and goes away', async () => {
    await using folder = await temporaryFolder('cluster');
    const [routes, otherRoutes, watched] = [await freePort(), await freePort(), await freePort()];
    const server = async (name: string, text: string) => {
      const configuration = join(folder.path, `${name}.conf`);
      await writeFile(configuration, text);
      return startNats({ dir: join(folder.path, name), configuration });
    };
    const cluster = (port: number, to: number) =>
      `cluster { name: c, listen: "127.0.0.1:${port}", routes: ["nats://127.0.0.1:${to}"] }\n`;
    await using other = await server('b', `${cluster(otherRoutes, routes)}http: "127.0.0.1:${watched}"\n`);
    const nats = await server('a', cluster(routes, otherRoutes));
    const told = await connect({ servers: `127.0.0.1:${nats.port}`, ignoreClusterUpdates: true });
    await until('it tells of the other', () =>
      Boolean(told.info?.connect_urls?.some((place) => place.endsWith(`:${other.port}`))),
    );
    const bus = new Bus({ url: nats.url, name: 'faithful', logger });
    await connected(bus);
    await told.close();
    await nats[Symbol.asyncDispose]();
    await using knocks = await countKnocks(nats.port);
    await until('it is looked for again and again', () => knocks.count > 3);
    const { connections } = (await (await fetch(`http://127.0.0.1:${watched}/connz?state=any`)).json()) as {
      connections: { name?: string }[];
    };
    expect(connections.map(({ name }) => name)).not.toContain('faithful');
    await bus.close();
  });

  /** Counts who comes to a port where nobody answers. */
  async function countKnocks(port: number) {
    let count = 0;
    const server = createServer((socket) => {
      count++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return {
      get count() {
        return count;
      },
      [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
    };
  }
});

describe('two buses of one process', () => {
  it('cannot be matched by where their questions are to be answered', async () => {
    await using one = await startNats();
    await using two = await startNats();
    const parts: string[][] = [];
    for (const nats of [one, two]) {
      const seen: string[] = [];
      parts.push(seen);
      const raw = await connect({ servers: new URL(nats.url).host });
      raw.subscribe('test.>', {
        callback: (_, message) => {
          // Twelve characters of chance, and a number that counts on.
          seen.push(
            ...(message.reply ?? '')
              .split('.')
              .slice(1)
              .map((part) => part.slice(0, 12)),
          );
          message.respond('1');
        },
      });
      await raw.flush();
    }
    const buses = [one, two].map(({ url }) => new Bus({ url, name: 'asking', logger }));
    for (const bus of buses) await connected(bus);
    for (const value of [1, 2, 3])
      for (const bus of buses) {
        await bus.ask(double, value);
        await bus.request(double.name, new Uint8Array(), 5_000);
      }
    const [first = [], second = []] = parts;
    expect(first.length).toBeGreaterThan(3);
    expect(second.length).toBeGreaterThan(3);
    expect(first.filter((part) => second.includes(part))).toEqual([]);
    await Promise.all(buses.map((bus) => bus.close()));
  });
});

describe('a bus with an onion address', () => {
  it('is reached by the proxy, which gets the name, and again after its server was away', async () => {
    const port = await freePort();
    await using proxy = await startSocksProxy({ names: { 'bus.onion': { host: '127.0.0.1', port } } });
    const types = connectionTypes.parse({
      tor: { handler: 'tor', parameters: { endpoint: proxy.endpoint } },
    });
    const bus = new Bus({ url: 'nats://bus.onion:4222', name: 'hidden', logger, connectionTypes: types });
    bus.serve(double, (value) => value * 2);
    for (const _round of [1, 2]) {
      await using nats = await startNats({ port });
      // Another connection of this process, which is made directly, and later.
      const direct = new Bus({ url: nats.url, name: 'direct', logger });
      await connected(bus);
      await connected(direct);
      await until('an answer', async () => (await direct.ask(double, 21)) === 42);
      await direct.close();
    }
    await bus.close();
    const asked = new Set(proxy.requests.map(({ host, port }) => `${host}:${port}`));
    expect([...asked]).toEqual(['bus.onion:4222']);
    expect(proxy.requests.length).toBeGreaterThan(1);
    expect(proxy.requests.every(({ shown }) => shown !== undefined)).toBe(true);
  });

  it('is not looked for where no handler may reach it, and says so', async () => {
    const bus = new Bus({ url: 'nats://bus.onion:4222', name: 'hidden', logger });
    await until('the reason', () => bus.problem !== undefined);
    expect(bus.problem).toBe('it has addresses of type tor; connection_types allows tcp');
    await bus.close();
  });

  it('says what is wrong with the proxy', async () => {
    await using proxy = await startSocksProxy();
    proxy.behave('refuses');
    const types = connectionTypes.parse({
      tcp: { handler: 'socks5', parameters: { endpoint: proxy.endpoint } },
    });
    const bus = new Bus({ url: 'nats://bus.example', name: 'hidden', logger, connectionTypes: types });
    await until('the reason', () => bus.problem !== undefined);
    expect(bus.problem).toMatch(/^the SOCKS proxy at tcp:\S+ cannot reach it: host unreachable$/);
    await bus.close();
  });
});
