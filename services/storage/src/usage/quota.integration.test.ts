import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase } from '@holdfast/lab';
import { decodeAllocateAnswer, sharePath } from '@holdfast/lafs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { text } from '../testing/texts.js';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let servers: TestServer[];
let first: TestServer;
beforeAll(async () => {
  database = await createTestDatabase();
  servers = [await startTestServer({ postgres: database.url })];
  first = servers[0] as TestServer;
  servers.push(...(await Promise.all([1, 2].map(() => startTestServer({ postgres: database.url })))));
});
afterAll(async () => {
  await Promise.all((servers ?? []).map((server) => server[Symbol.asyncDispose]()));
  await database?.[Symbol.asyncDispose]();
});

/** The quota of the account that these tests use, counted from what it uses already. */
let used: number;
const setQuota = (more: number | null) =>
  first.sql(`update storage.accounts set quota = $1 where name = 'anonymous'`, [
    more === null ? null : used + more,
  ]);
const use = async () => {
  const [row] = await first.sql<{ used: number }>(
    'select coalesce(sum(bytes + promised), 0)::float8 as used from storage.usage_totals where account = 1',
  );
  return (row as { used: number }).used;
};
beforeEach(async () => {
  used = await use();
  await setQuota(null);
});

describe('a quota', () => {
  it('is kept to the last share by many uploaders on several servers, some of which give up', async () => {
    const size = 1_000;
    const fit = 150;
    await setQuota(fit * size + size - 1);
    let over = false;
    const seen: number[] = [];
    const watching = (async () => {
      while (!over) {
        seen.push((await use()) - used);
        await delay(5);
      }
    })();
    let stored = 0;
    await Promise.all(
      Array.from({ length: 12 }, async (_, uploader) => {
        for (let turn = 0; ; turn++) {
          const { client } = servers[(uploader + turn) % servers.length] as TestServer;
          const share = { storageIndex: newIndex(), shareNumber: 0 };
          const { status } = await client.allocate(share.storageIndex, [0], size);
          if (status === 507) {
            // Somebody may still give up and leave room.
            if (stored === fit) return;
            await delay(5);
            continue;
          }
          expect(status).toBe(200);
          if (turn % 5 === 4) {
            expect((await client.abort(share)).status).toBe(200);
            continue;
          }
          const written = await client.write(share, { begin: 0, end: size }, randomBytes(size));
          expect(written.status).toBe(201);
          stored++;
        }
      }),
    );
    over = true;
    await watching;
    expect(stored).toBe(fit);
    expect(seen.length).toBeGreaterThan(5);
    expect(Math.max(...seen)).toBeLessThanOrEqual(fit * size);
    expect(await use()).toBe(used + fit * size);
    const [left] = await first.sql<{ coming: number }>(
      `select count(*)::int as coming from storage.shares where state = 'coming'`,
    );
    expect(left).toEqual({ coming: 0 });
  });

  it('refuses what does not fit as a whole, says so, and leaves nothing behind', async () => {
    const { client } = first;
    const there = newIndex();
    await client.store({ storageIndex: there, shareNumber: 0 }, randomBytes(1_000));
    used = await use();
    await setQuota(2_500);
    const storageIndex = newIndex();
    const refused = await client.allocate(storageIndex, [0, 1, 2], 1_000);
    expect(refused.status).toBe(507);
    expect(text(refused.body)).toMatch(
      /^the quota of this account does not allow 3 kB more, as it uses [\d.]+ k?B of [\d.]+ k?B\n$/,
    );
    // Nor does a part of a file, of which another part is there.
    expect((await client.allocate(there, [0, 1, 2, 3], 1_000)).status).toBe(507);
    expect(await use()).toBe(used);
    expect(
      await first.sql(
        `select share_number from storage.shares where storage_index in ($1, $2) and share_number > 0
          union all select share_number from storage.leases where storage_index = $1`,
        [storageIndex, there].map((index) => Buffer.from(index)),
      ),
    ).toEqual([]);
    expect(await readdir(join(first.shares, 'incoming'))).toEqual([]);
    expect(existsSync(join(first.shares, sharePath(storageIndex, 0)))).toBe(false);
    const metrics = await (await fetch(`${first.operator}/metrics`)).text();
    expect(metrics).toMatch(/holdfast_storage_promised_bytes\{[^}]*\} 0\n/);
    expect(metrics).toMatch(/holdfast_storage_open_uploads\{[^}]*\} 0\n/);
    // The same is taken at once where it fits.
    expect(await client.allocated(storageIndex, [0, 1], 1_000)).toEqual([0, 1]);
    for (const shareNumber of [0, 1]) await client.abort({ storageIndex, shareNumber });
  });

  it('counts from the moment it is set, raised or lifted', async () => {
    const { client } = first;
    await setQuota(0);
    expect((await client.allocate(newIndex(), [0], 1)).status).toBe(507);
    await setQuota(1);
    expect((await client.allocate(newIndex(), [0], 2)).status).toBe(507);
    await client.store({ storageIndex: newIndex(), shareNumber: 0 }, randomBytes(1));
    expect((await client.allocate(newIndex(), [0], 1)).status).toBe(507);
    await setQuota(null);
    await client.store({ storageIndex: newIndex(), shareNumber: 0 }, randomBytes(10_000));
    await setQuota(5);
    expect((await client.allocate(newIndex(), [0], 1)).status).toBe(507);
  });

  it('lets uploads that were promised their room be finished, and takes the same request again', async () => {
    const { client } = first;
    await setQuota(10);
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    expect(await client.allocated(share.storageIndex, [0], 10)).toEqual([0]);
    expect(await client.allocated(share.storageIndex, [0], 10)).toEqual([0]);
    await setQuota(0);
    expect((await client.write(share, { begin: 0, end: 10 }, '0123456789')).status).toBe(201);
    const again = await client.allocate(share.storageIndex, [0], 10);
    expect([...decodeAllocateAnswer(again.body).alreadyHave]).toEqual([0]);
    expect((await client.renew(share.storageIndex)).status).toBe(204);
  });

  it('counts the first lease on a share that another account stored, and never a renewal', async () => {
    const { client } = first;
    const storageIndex = newIndex();
    for (const shareNumber of [0, 1]) await client.store({ storageIndex, shareNumber }, randomBytes(100));
    // As if another account had stored them.
    await first.stop();
    await first.sql('update storage.leases set account = 2 where storage_index = $1', [
      Buffer.from(storageIndex),
    ]);
    await first.start();
    used = await use();
    await setQuota(199);
    expect((await client.renew(storageIndex)).status).toBe(507);
    expect((await client.allocate(storageIndex, [0, 1], 100)).status).toBe(507);
    expect((await client.allocate(storageIndex, [1, 2], 100)).status).toBe(507);
    expect(await use()).toBe(used);
    await setQuota(200);
    expect((await client.renew(storageIndex)).status).toBe(204);
    expect(await use()).toBe(used + 200);
    await setQuota(0);
    expect((await client.renew(storageIndex)).status).toBe(204);
    expect((await client.allocate(storageIndex, [0, 1], 100)).status).toBe(200);
    expect(await use()).toBe(used + 200);
  });
});
