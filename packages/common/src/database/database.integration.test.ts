import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, freePort, waitFor } from '@holdfast/lab';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../logging/index.js';
import { openDatabase } from './database.js';

const logger = silentLogger();

/** Stands between a client and a server, so that the way can be cut. */
async function openRelay(target: URL, port = 0) {
  const sockets = new Set<import('node:net').Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the database', () => {
  it('is waited for when Postgres is not there yet', async () => {
    await using temporary = await createTestDatabase();
    const target = new URL(temporary.url);
    const url = new URL(temporary.url);
    const port = await freePort();
    url.port = String(port);
    const opening = openDatabase({ url: url.toString(), applicationName: 'test', logger });
    await delay(300);
    const relay = await openRelay(target, port);
    const database = await opening;
    expect((await database.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await database.close();
    await relay.close();
  });

  it('stops to be waited for when it is told to', async () => {
    const url = `postgres://nobody@127.0.0.1:${await freePort()}/none`;
    const signal = AbortSignal.timeout(200);
    await expect(openDatabase({ url, applicationName: 'test', logger, signal })).rejects.toThrow();
  });

  it('survives that its connections are cut', async () => {
    await using temporary = await createTestDatabase();
    const url = new URL(temporary.url);
    const relay = await openRelay(new URL(temporary.url));
    url.port = String(relay.port);
    const database = await openDatabase({ url: url.toString(), applicationName: 'test', logger });
    relay.cut();
    await waitFor('it has noticed', () => database.pool.idleCount === 0 || undefined, { everyMs: 5 });
    expect((await database.pool.query('select 2 as two')).rows).toEqual([{ two: 2 }]);
    await database.close();
    await relay.close();
  });

  it('survives that Postgres ends a connection between two statements of a transaction, and fails that', async () => {
    await using temporary = await createTestDatabase();
    const database = await openDatabase({ url: temporary.url, applicationName: 'test', logger });
    await expect(
      database.transaction(async (client) => {
        const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
        await database.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
        // It is told while nobody waits for an answer.
        await delay(100);
        await client.query('select 1');
      }),
    ).rejects.toThrow();
    expect((await database.pool.query('select 2 as two')).rows).toEqual([{ two: 2 }]);
    await database.close();
  });

  it('has Postgres notice within a minute when this host is gone, which else keeps its locks', async () => {
    await using temporary = await createTestDatabase();
    const database = await openDatabase({ url: temporary.url, applicationName: 'test', logger });
    // Postgres shows what the connection has, not what was set: 0 at a Unix socket.
    const setting = async (name: string) =>
      (await database.pool.query<{ value: string }>('select current_setting($1) as value', [name])).rows[0]
        ?.value;
    expect(await setting('tcp_keepalives_idle')).toBe('30');
    expect(await setting('tcp_keepalives_interval')).toBe('10');
    expect(await setting('tcp_keepalives_count')).toBe('3');
    expect(await setting('tcp_user_timeout')).toBe('60000');
    await database.close();
  });

  it('takes back a transaction that throws, and gives the connection back', async () => {
    await using temporary = await createTestDatabase();
    const database = await openDatabase({
      url: temporary.url,
      applicationName: 'test',
      logger,
      connections: 1,
    });
    await database.pool.query('create table seen (number bigint)');
    await expect(
      database.transaction(async (client) => {
        await client.query('insert into seen values (1)');
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await database.transaction((client) => client.query('insert into seen values (9007199254740991)'));
    expect((await database.pool.query('select number from seen')).rows).toEqual([
      { number: 9007199254740991 },
    ]);
    await database.close();
  });
});
