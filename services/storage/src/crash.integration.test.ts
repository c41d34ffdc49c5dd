import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@holdfast/lab';
import {
  containerSize,
  encodeContainerHeader,
  encodeLeaseRecord,
  parseContainerHeader,
  sharePath,
} from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilDisconnected } from './testing/check-load.js';
import { newIndex } from './testing/new-shares.js';
import { startTestServer, type TestServer } from './testing/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const stateOf = async (storageIndex: Uint8Array) =>
  (
    await server.sql<{ state: string }>('select state from storage.shares where storage_index = $1', [
      storageIndex,
    ])
  )[0]?.state;

/** What a folder of Tahoe-LAFS would have: a container with one lease. */
async function placeByHand(share: { storageIndex: Uint8Array; shareNumber: number }, data: Uint8Array) {
  const path = join(server.shares, sharePath(share.storageIndex, share.shareNumber));
  await mkdir(dirname(path), { recursive: true });
  const secret = new Uint8Array(32);
  const lease = encodeLeaseRecord({ owner: 0, renewSecret: secret, cancelSecret: secret, expiresAt: 1 });
  await writeFile(
    path,
    Buffer.concat([encodeContainerHeader({ version: 1, dataSize: data.length, leaseCount: 1 }), data, lease]),
  );
}

describe('a server killed by SIGKILL', () => {
  it('under load loses no share that it acknowledged, and serves none that is not whole', async () => {
    const { client } = server;
    const acknowledged: { storageIndex: Uint8Array; data: Uint8Array }[] = [];
    const begun: { storageIndex: Uint8Array; data: Uint8Array }[] = [];
    for (let round = 0; round < 5; round++) {
      let over = false;
      const writers = Array.from({ length: 6 }, async () => {
        while (!over) {
          const file = {
            storageIndex: newIndex(),
            data: new Uint8Array(randomBytes(1 + Math.floor(Math.random() * 200_000))),
          };
          begun.push(file);
          try {
            await client.allocated(file.storageIndex, [0], file.data.length);
            const half = Math.floor(file.data.length / 2);
            if (half > 0)
              await client.write(
                { ...file, shareNumber: 0 },
                { begin: 0, end: half },
                file.data.subarray(0, half),
              );
            const range = { begin: half, end: file.data.length };
            const { status } = await client.write(
              { ...file, shareNumber: 0 },
              range,
              file.data.subarray(half),
            );
            if (status === 201) acknowledged.push(file);
          } catch {
            // The server died under us, as it should.
          }
        }
      });
      // A slow machine needs longer for as many; the moment is by chance all the same.
      const enough = acknowledged.length + 5;
      await expect.poll(() => acknowledged.length).toBeGreaterThanOrEqual(enough);
      await delay(Math.random() * 400);
      await server.kill();
      over = true;
      await Promise.all(writers);
      await untilDisconnected(server);
      await server.start();
    }
    expect(acknowledged.length).toBeGreaterThan(20);
    for (const { storageIndex, data } of acknowledged) {
      const { status, body } = await client.read({ storageIndex, shareNumber: 0 });
      expect(status).toBe(200);
      expect(Buffer.compare(body, data)).toBe(0);
      expect(await stateOf(storageIndex)).toBe('stable');
    }
    for (const { storageIndex, data } of begun) {
      if ((await client.list(storageIndex)).length === 0) continue;
      expect(Buffer.compare((await client.read({ storageIndex, shareNumber: 0 })).body, data)).toBe(0);
    }
    const [left] = await server.sql<{ coming: number; unleased: number }>(
      `select count(*) filter (where state = 'coming')::int as coming,
              count(*) filter (where not exists (select from storage.leases l where l.storage_index = s.storage_index))::int as unleased
         from storage.shares s`,
    );
    expect(left).toEqual({ coming: 0, unleased: 0 });
    expect(await readdir(join(server.shares, 'incoming'))).toEqual([]);
  });

  it('between placing a share and recording it: the share is kept, with its uploader’s lease', async () => {
    const share = { storageIndex: newIndex(), shareNumber: 4 };
    await server.client.allocated(share.storageIndex, [4], 5);
    await server.kill();
    await placeByHand(share, Buffer.from('hello'));
    await server.start();
    expect(await stateOf(share.storageIndex)).toBe('stable');
    expect(await server.client.list(share.storageIndex)).toEqual([4]);
    const leases = await server.sql(
      'select name from storage.leases join storage.accounts on key = account where storage_index = $1',
      [share.storageIndex],
    );
    expect(leases).toEqual([{ name: 'anonymous' }]);
  });

  it('before a share is whole: the upload is forgotten and can begin again', async () => {
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    await server.client.allocated(share.storageIndex, [0], 100_000);
    await server.client.write(share, { begin: 0, end: 99_999 }, Buffer.alloc(99_999));
    await server.kill();
    await server.start();
    expect(await stateOf(share.storageIndex)).toBeUndefined();
    expect(await server.client.list(share.storageIndex)).toEqual([]);
    await server.client.store(share, randomBytes(100_000));
  });
});

describe('shares without a record', () => {
  it('are served and get one, with a starter lease; nothing is deleted', async () => {
    const share = { storageIndex: newIndex(), shareNumber: 2 };
    await server.stop();
    await placeByHand(share, Buffer.from('adopted'));
    await writeFile(join(server.shares, 'README'), 'not a share');
    await server.start();
    expect(Buffer.from((await server.client.read(share)).body).toString()).toBe('adopted');
    await waitFor(
      'the share is recorded',
      async () => (await stateOf(share.storageIndex)) === 'stable' || undefined,
    );
    const leases = await server.sql(
      'select name from storage.leases join storage.accounts on key = account where storage_index = $1',
      [share.storageIndex],
    );
    expect(leases).toEqual([{ name: 'starter' }]);
    expect(await readFile(join(server.shares, 'README'), 'utf8')).toBe('not a share');
  });

  it('get one when the lease of another share of the file is renewed', async () => {
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    await server.client.store(share, randomBytes(100));
    await placeByHand({ ...share, shareNumber: 1 }, randomBytes(100));
    expect((await server.client.renew(share.storageIndex)).status).toBe(204);
    const leases = await server.sql(
      `select share_number as number, name from storage.leases join storage.accounts on key = account
        where storage_index = $1 order by 1, 2`,
      [share.storageIndex],
    );
    expect(leases).toEqual([
      { number: 0, name: 'anonymous' },
      { number: 1, name: 'anonymous' },
      { number: 1, name: 'starter' },
    ]);
  });

  it('that are no immutable shares are passed over and left alone', async () => {
    const storageIndex = newIndex();
    const path = join(server.shares, sharePath(storageIndex, 0));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'Tahoe mutable container v1\n and more');
    await writeFile(join(dirname(path), '1'), 'short');
    expect(await server.client.list(storageIndex)).toEqual([]);
    expect((await server.client.read({ storageIndex, shareNumber: 0 })).status).toBe(404);
    expect((await server.client.renew(storageIndex)).status).toBe(404);
    expect((await readdir(dirname(path))).sort()).toEqual(['0', '1']);
  });
});

describe('a share that the disk lost', () => {
  it('is no longer listed, keeps its record, and can be stored again', async () => {
    const share = { storageIndex: newIndex(), shareNumber: 0 };
    const data = randomBytes(1000);
    await server.client.store(share, data);
    await rm(join(server.shares, sharePath(share.storageIndex, 0)).slice(0, -2), { recursive: true });
    expect(await server.client.list(share.storageIndex)).toEqual([]);
    expect(await stateOf(share.storageIndex)).toBe('stable');
    await server.client.store(share, data);
    const file = await readFile(join(server.shares, sharePath(share.storageIndex, 0)));
    expect(parseContainerHeader(file, file.length).dataSize).toBe(1000);
    expect(file.length).toBe(containerSize(1000, 1));
  });
});
