import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import type { TestClient } from '../testing/test-client.js';
import { openKeeper, type TestKeeper } from '../testing/test-keeper.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

let server: TestServer;
let keeper: TestKeeper;
let good: TestClient;
let full: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  keeper = await openKeeper(server);
  await keeper.book.create({ name: 'good', quota: 1_000_000_000 });
  await keeper.book.create({ name: 'full', quota: 10 });
  // It reads the accounts at its start.
  await server.stop();
  await server.start();
  good = await keeper.client('good', server);
  full = await keeper.client('full', server);
});
afterAll(async () => {
  await keeper?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe('an account with a quota', () => {
  it('whose row somebody keeps locked holds up nobody else, and goes on when it is free', async () => {
    const holder = new pg.Client(server.databaseUrl);
    await holder.connect();
    await holder.query(`begin; select from storage.accounts where name = 'good' for update`);
    const writes = Array.from({ length: 12 }, () =>
      good.storeMutable({ storageIndex: newIndex(), shareNumber: 0 }, randomBytes(100)),
    );
    const blocked = async () =>
      (
        await server.sql(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
      ).length;
    await expect.poll(blocked).toBeGreaterThan(0);
    expect(await blocked()).toBe(1);
    const begun = performance.now();
    expect((await server.client.allocate(newIndex(), [0], 100)).status).toBe(200);
    expect((await full.allocate(newIndex(), [0], 1_000)).status).toBe(507);
    // What is held up would wait for the end of the transaction, which comes after it.
    expect(performance.now() - begun).toBeLessThan(10_000);
    await holder.query('rollback');
    await holder.end();
    await Promise.all(writes);
  }, 30_000);
});
