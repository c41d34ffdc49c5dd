import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import type { TestClient } from '../testing/test-client.js';
import { openKeeper, type TestKeeper } from '../testing/test-keeper.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

let server: TestServer;
let keeper: TestKeeper;
let alice: TestClient;
let repairer: TestClient;
beforeAll(async () => {
  server = await startTestServer({ settings: { limits: { repairer_requests: 1 } } });
  keeper = await openKeeper(server);
  await keeper.book.create({ name: 'alice' });
  await keeper.book.create({ name: 'repairer', repairer: true });
  // There is no bus: it learns of accounts when it starts.
  await server.stop();
  await server.start();
  alice = await keeper.client('alice', server);
  repairer = await keeper.client('repairer', server);
});
afterAll(async () => {
  await keeper?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** Requests of repairers that the server works on, and that wait. */
async function counted(): Promise<{ working: number; waiting: number }> {
  const text = await (await fetch(`${server.operator}/metrics`)).text();
  const of = (state: string) =>
    Number(
      new RegExp(`^holdfast_storage_repairer_requests\\{[^}]*state="${state}"[^}]*\\} (\\d+)$`, 'm').exec(
        text,
      )?.[1],
    );
  return { working: of('working'), waiting: of('waiting') };
}

/** A share of which the repairer has sent the first half, and sends the rest when told so. */
async function halfWritten() {
  const share = { storageIndex: newIndex(), shareNumber: 0 };
  const data = randomBytes(2_000);
  await repairer.allocated(share.storageIndex, [0], data.length);
  let goOn: () => void = () => undefined;
  const rest = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  async function* body() {
    yield data.subarray(0, 1_000);
    await rest;
    yield data.subarray(1_000);
  }
  const written = repairer.write(share, { begin: 0, end: data.length }, Readable.from(body()));
  await expect.poll(counted).toEqual({ working: 1, waiting: 0 });
  return { share, data, goOn, written };
}

it('a repairer waits while as many requests of repairers as may be are worked on, and nobody else does', async () => {
  const { share, data, goOn, written } = await halfWritten();
  const listed = repairer.list(share.storageIndex);
  await expect.poll(counted).toEqual({ working: 1, waiting: 1 });

  const mine = { storageIndex: newIndex(), shareNumber: 3 };
  await alice.store(mine, data);
  expect(Buffer.from((await alice.read(mine)).body).equals(data)).toBe(true);
  // It sees that the server is there.
  expect((await repairer.request('GET', '/storage/v1/version')).status).toBe(200);
  expect(await counted()).toEqual({ working: 1, waiting: 1 });

  goOn();
  expect((await written).status).toBe(201);
  expect(await listed).toEqual([0]);
  await expect.poll(counted).toEqual({ working: 0, waiting: 0 });
});
