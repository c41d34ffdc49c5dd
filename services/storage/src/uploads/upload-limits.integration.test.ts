import { Readable } from 'node:stream';
import { decodeServerVersion } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { text } from '../testing/texts.js';
import { wrongTotals } from '../testing/totals.js';

const free = async ({ client }: TestServer) =>
  Number(decodeServerVersion((await client.request('GET', '/storage/v1/version')).body).availableSpace);
const promisedBytes = async (server: TestServer) => {
  const metrics = await (await fetch(`${server.operator}/metrics`)).text();
  return Number(/holdfast_storage_promised_bytes\{[^}]*\} (\d+)/.exec(metrics)?.[1]);
};

describe('open uploads', () => {
  it('are limited in number, for the server and for an account, and what is refused is told in words', async () => {
    await using server = await startTestServer({ settings: { uploads: { open: 3 } } });
    const { client } = server;
    const first = newIndex();
    expect(await client.allocated(first, [0, 1, 2, 3, 4], 1_000)).toEqual([0, 1, 2]);
    const busy = await client.allocate(newIndex(), [0], 10);
    expect([busy.status, text(busy.body)]).toEqual([
      503,
      'this server has 3 uploads open, the most that it takes: try later\n',
    ]);
    // Asked again, those that are open are granted again.
    expect(await client.allocated(first, [0, 4], 1_000)).toEqual([0]);
    await client.abort({ storageIndex: first, shareNumber: 2 });
    expect(await client.allocated(newIndex(), [0], 10)).toEqual([0]);
  });

  it('of one account do not take all there are', async () => {
    await using server = await startTestServer({ settings: { uploads: { open: 100, open_per_account: 2 } } });
    const { client } = server;
    const first = newIndex();
    expect(await client.allocated(first, [0, 1, 2], 4)).toEqual([0, 1]);
    const refused = await client.allocate(newIndex(), [0], 4);
    expect([refused.status, text(refused.body)]).toEqual([
      429,
      'this account has 2 uploads open here, the most that it may have: finish or abort some\n',
    ]);
    expect(
      (await client.write({ storageIndex: first, shareNumber: 0 }, { begin: 0, end: 4 }, 'done')).status,
    ).toBe(201);
    expect(await client.allocated(newIndex(), [0], 4)).toEqual([0]);
  });
});

describe('an abandoned upload', () => {
  it('is cleared away, and the space promised to it comes back', async () => {
    await using server = await startTestServer({ settings: { uploads: { abandoned_after: '8s' } } });
    const { client } = server;
    const storageIndex = newIndex();
    await client.allocated(storageIndex, [0, 1], 1_000_000_000);
    const before = await free(server);
    await client.write({ storageIndex, shareNumber: 1 }, { begin: 0, end: 10 }, '0123456789');
    expect(await promisedBytes(server)).toBeGreaterThan(1_900_000_000);
    const promisedTo = () =>
      server.sql<{ promised: number }>(
        'select promised::float8 from storage.usage_totals where promised <> 0',
      );
    expect(await promisedTo()).toEqual([{ promised: 2_000_000_000 }]);
    await expect.poll(() => promisedBytes(server)).toBe(0);
    expect(await free(server)).toBeGreaterThan(before + 1_500_000_000);
    expect((await client.write({ storageIndex, shareNumber: 1 }, { begin: 10, end: 11 }, 'x')).status).toBe(
      404,
    );
    await expect.poll(() => server.sql('select from storage.shares')).toEqual([]);
    expect(await promisedTo()).toEqual([]);
    expect(await wrongTotals(server)).toEqual([]);
  });

  it('is also one that gets a byte now and then', async () => {
    // A busy machine may let nothing through for a second or two.
    await using server = await startTestServer({
      settings: { uploads: { abandoned_after: '4s' }, limits: { slowest: '1kB' } },
    });
    const { client } = server;
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    const steady = { storageIndex: newIndex(), shareNumber: 0 };
    await client.allocated(share.storageIndex, [0], 200_000);
    await client.allocated(steady.storageIndex, [0], 200_000);
    let trickling: number | undefined;
    for (let at = 0; at < 60 && trickling !== 404; at++) {
      trickling = (await client.write(share, { begin: at, end: at + 1 }, 'x')).status;
      const range = { begin: at * 2_000, end: (at + 1) * 2_000 };
      expect((await client.write(steady, range, Buffer.alloc(2_000))).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    expect(trickling).toBe(404);
  });

  it('is not one that comes steadily in one request, however long that takes', async () => {
    // A busy machine may let nothing through for a second or two.
    await using server = await startTestServer({
      settings: { uploads: { abandoned_after: '4s' }, limits: { slowest: '50kB' } },
    });
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    const pieces = 60;
    const size = pieces * 50_000;
    await server.client.allocated(share.storageIndex, [0], size);
    async function* steadily() {
      for (let piece = 0; piece < pieces; piece++) {
        yield Buffer.alloc(50_000, piece);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
    const answer = await server.client.write(share, { begin: 0, end: size }, Readable.from(steadily()));
    expect(answer.status).toBe(201);
  });
});
