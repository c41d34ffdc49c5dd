import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { silentLogger } from '@holdfast/common/logging';
import { temporaryFolder, waitFor } from '@holdfast/lab';
import { bucketFolder } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { loggingQuarantine } from '../damage/quarantine.js';
import { ShareRecords } from '../records/share-records.js';
import { DiskShareBackend } from '../share-backend/disk-share-backend.js';
import { makeShare } from '../testing/made-shares.js';
import { testRecords } from '../testing/test-records.js';
import { startTestServer } from '../testing/test-server.js';
import { adoptShares } from './adopt-shares.js';
import { ShareAdoption } from './share-adoption.js';

const newShare = () => ({ storageIndex: new Uint8Array(randomBytes(16)), shareNumber: 0 });

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
    const told = await waitFor('the walk is over', async () =>
      (await readFile(server.log, 'utf8')).split('\n').find((line) => line.includes('all shares but')),
    );
    expect(JSON.parse(told)).toMatchObject({ adopted: 1, missing: 0, shares: 1, unreadableFolders: 1 });
    expect(await readFile(server.log, 'utf8')).toContain(
      `"folder":"${bucketFolder(unseen.storageIndex)}","problem":"the folder cannot be read: ELOOP"`,
    );
    expect(JSON.parse(await readFile(join(server.shares, 'holdfast-mark'), 'utf8'))).toMatchObject({
      adopting: false,
    });
    for (const { storageIndex } of [unseen, found]) {
      expect(
        await server.sql('select state from storage.shares where storage_index = $1', [storageIndex]),
      ).toEqual([{ state: 'stable' }]);
    }
  });

  it('takes a share for missing only where its folder was looked into', async () => {
    await using folder = await temporaryFolder('walk');
    await using known = await testRecords();
    const server = await known.server();
    const logger = silentLogger();
    const backend = new DiskShareBackend(folder.path, logger);
    const records = new ShareRecords(known.database, server, 1_000_000);
    const { database } = known;
    const adoption = new ShareAdoption({
      backend,
      database,
      server,
      leaseDuration: 1_000_000,
      accountOf: () => undefined,
    });
    try {
      const [unseen, missing] = [newShare(), newShare()];
      for (const share of [unseen, missing]) await records.close({ ...share, size: 10, account: 1 });
      const path = join(folder.path, bucketFolder(unseen.storageIndex));
      await mkdir(dirname(path));
      await symlink(path, path);
      // A quarantine that knows of nothing: whether the share is missing is not left to what can be found out of it.
      const parts = { backend, records, adoption, quarantine: loggingQuarantine(logger) };
      expect(await adoptShares(parts, new AbortController().signal)).toMatchObject({
        missing: 1,
        unreadableFolders: 1,
      });
    } finally {
      await backend.close();
    }
  });
});
