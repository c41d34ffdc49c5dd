import { randomBytes } from 'node:crypto';
import { readFile, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createDatabase, freePort, startPostgres, temporaryFolder, waitFor } from '@holdfast/lab';
import { bucketFolder } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { makeShare, makeShares } from '../testing/made-shares.js';
import { newShare } from '../testing/new-shares.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';
import { wrongTotals } from '../testing/totals.js';

/** What the server's log says that has some words in it, once it does. */
const logged = async ({ log }: TestServer, words: string) =>
  JSON.parse(
    await waitFor(
      `the log has: ${words}`,
      async () => (await readFile(log, 'utf8')).split('\n').find((line) => line.includes(words)),
      { timeoutMs: 90_000 },
    ),
  );
const markOf = async ({ shares }: TestServer) =>
  JSON.parse(await readFile(join(shares, 'holdfast-mark'), 'utf8'));

describe('the walk after a start', () => {
  it('passes over a folder that cannot be read, adopts all others, and takes what is recorded there for no loss', async () => {
    await using server = await startTestServer();
    const [unseen, found] = [newShare(), newShare()];
    await server.client.store(unseen, randomBytes(100));
    await server.stop();
    const folder = join(server.shares, bucketFolder(unseen.storageIndex));
    await rename(folder, `${folder}.aside`);
    await symlink(folder, folder);
    makeShare(server.shares, found, randomBytes(100));
    await server.start();
    expect(await logged(server, 'all shares but')).toMatchObject({
      adopted: 1,
      missing: 0,
      shares: 1,
      unreadableFolders: 1,
    });
    expect(await readFile(server.log, 'utf8')).toContain(
      `"folder":"${bucketFolder(unseen.storageIndex)}","problem":"the folder cannot be read: ELOOP"`,
    );
    expect(await server.sql('select from storage.damaged_shares')).toEqual([]);
    for (const { storageIndex } of [unseen, found]) {
      expect(
        await server.sql('select state from storage.shares where storage_index = $1', [storageIndex]),
      ).toEqual([{ state: 'stable' }]);
    }
  });

  it('waits for Postgres, however long that is away, and goes on where it was', async () => {
    await using folder = await temporaryFolder('walking');
    const port = await freePort();
    let postgres = await startPostgres({ dir: folder.path, port });
    try {
      await using database = await createDatabase(postgres.url, 'storage');
      await using server = await startTestServer({ postgres: database.url });
      await logged(server, 'looked through all shares');
      await server.stop();
      const shares = 15_000;
      makeShares(server.shares, shares);
      // As before its first walk: that is not over either.
      await server.sql('update storage.servers set generation = 0');
      await rename(join(server.shares, 'holdfast-mark'), join(server.shares, 'earlier-mark'));
      // So that it is not over before Postgres is killed.
      await server.sql(
        `create function slowly() returns trigger language plpgsql as 'begin perform pg_sleep(0.01); return null; end';
         create trigger slowly after insert on storage.shares for each statement execute function slowly()`,
      );
      await server.start();
      const recorded = async () =>
        (await server.sql<{ shares: number }>('select count(*)::int as shares from storage.shares'))[0]
          ?.shares ?? 0;
      await waitFor('it has begun', async () => (await recorded()) > 1_000 || undefined, { everyMs: 10 });
      await postgres.process.kill();
      // Longer than a statement is tried again.
      await delay(12_000);
      postgres = await startPostgres({ dir: folder.path, port });
      expect(await recorded()).toBeLessThan(shares);
      await server.sql('drop trigger slowly on storage.shares');
      const walked = await logged(server, `"shares":${shares}`);
      expect(walked).toMatchObject({ missing: 0 });
      // But for what was adopted just when the answer could not come any more.
      expect(walked.adopted).toBeGreaterThan(shares - 100);
      expect(await recorded()).toBe(shares);
      expect(await markOf(server)).toMatchObject({ adopting: false });
      expect(await wrongTotals(server)).toEqual([]);
    } finally {
      await postgres.process.kill();
    }
  }, 180_000);
});
