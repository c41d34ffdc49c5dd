import { randomBytes } from 'node:crypto';
import { mkdir, open, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@holdfast/common/logging';
import { temporaryFolder } from '@holdfast/lab';
import { expect, it, vi } from 'vitest';
import { loggingQuarantine } from '../damage/quarantine.js';
import { SlotRecords } from '../records/slot-records.js';
import { Space } from '../space/space.js';
import { testRecords } from '../testing/test-records.js';
import { Quotas } from '../usage/quota.js';
import { SlotFolder } from './slot-folder.js';
import { journalFolder, SlotJournal } from './slot-journal.js';
import { Slots } from './slots.js';

/** Tells the path of each folder and file when it has been synced as a whole. */
async function watchSyncs(folder: string, synced: (path: string) => void) {
  const handle = await open(folder);
  const prototype = Object.getPrototypeOf(handle) as typeof handle;
  await handle.close();
  const { sync } = prototype;
  return vi.spyOn(prototype, 'sync').mockImplementation(async function (this: typeof handle) {
    const path = await readlink(`/proc/self/fd/${this.fd}`);
    await sync.call(this);
    synced(path);
  });
}

it('a change of a slot is on the disk, to be found after a crash, before Postgres hears of it', async () => {
  await using folder = await temporaryFolder('slots');
  await using records = await testRecords();
  const account = await records.account('alice', 1_000_000);
  const happened: string[] = [];
  class WatchedRecords extends SlotRecords {
    override promise(...change: Parameters<SlotRecords['promise']>) {
      happened.push('promised');
      return super.promise(...change);
    }
  }
  const root = join(folder.path, 'shares');
  await mkdir(root);
  const slots = new Slots({
    folder: new SlotFolder(root, loggingQuarantine(silentLogger())),
    journal: new SlotJournal(root),
    records: new WatchedRecords(
      records.database,
      await records.server(),
      86_400_000,
      new Quotas(records.database),
    ),
    space: new Space(async () => 1_000_000_000, 0),
    logger: silentLogger(),
    nodeId: randomBytes(20),
    largestShare: 1_000_000,
    leaving: { now: false },
    isComing: () => false,
  });
  await slots.recover();
  const watching = await watchSyncs(root, (path) => {
    if (path === join(root, journalFolder)) happened.push('journal synced');
  });
  try {
    await slots.readTestWrite({
      storageIndex: randomBytes(16),
      writeEnabler: randomBytes(32),
      account,
      lease: {
        owner: account,
        renewSecret: randomBytes(32),
        cancelSecret: randomBytes(32),
        expiresAt: 2_000_000_000,
      },
      changes: new Map([[0, { test: [], write: [{ offset: 0, data: randomBytes(100) }], newLength: null }]]),
      read: [],
    });
  } finally {
    watching.mockRestore();
  }
  expect(happened).toEqual(['journal synced', 'promised', 'journal synced']);
});
