import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { silentLogger } from '@holdfast/common/logging';
import { temporaryFolder } from '@holdfast/lab';
import { bucketFolder } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { loggingQuarantine } from '../damage/quarantine.js';
import { ShareRecords } from '../records/share-records.js';
import { DiskShareBackend } from '../share-backend/disk-share-backend.js';
import { newShare } from '../testing/new-shares.js';
import { testRecords } from '../testing/test-records.js';
import { ShareAdoption } from './share-adoption.js';
import { ShareWalk } from './share-walk.js';

describe('a walk over all shares', () => {
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
      expect(await new ShareWalk(parts).goOn(new AbortController().signal)).toMatchObject({
        missing: 1,
        unreadableFolders: 1,
      });
    } finally {
      await backend.close();
    }
  });
});
