import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { silentLogger } from '@holdfast/common/logging';
import { temporaryFolder } from '@holdfast/lab';
import { base32Encode, bucketFolder } from '@holdfast/lafs';
import { expect, it, vi } from 'vitest';
import { loggingQuarantine } from '../damage/quarantine.js';
import { SlotRecords } from '../records/slot-records.js';
import { Space } from '../space/space.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
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

/** The slots of a share folder. */
async function slotsIn(
  root: string,
  records: TestRecords,
  SomeRecords = SlotRecords,
  journal = new SlotJournal(root),
): Promise<Slots> {
  return new Slots({
    folder: new SlotFolder(root, loggingQuarantine(silentLogger())),
    journal,
    records: new SomeRecords(
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
    isAnyComing: () => false,
  });
}

/** A slot and how to make it, in a share folder of their own. */
async function aSlot(records: TestRecords, root: string, SomeRecords = SlotRecords) {
  const account = await records.account('alice', 1_000_000);
  await mkdir(root);
  const slots = await slotsIn(root, records, SomeRecords);
  await slots.recover();
  const storageIndex = randomBytes(16);
  const make = (at = storageIndex, by = slots) =>
    by.readTestWrite({
      storageIndex: at,
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
  return { slots, storageIndex, make };
}

it('a change of a slot is on the disk, to be found after a crash, before Postgres hears of it', async () => {
  await using folder = await temporaryFolder('slots');
  await using records = await testRecords();
  const happened: string[] = [];
  class WatchedRecords extends SlotRecords {
    override promise(...change: Parameters<SlotRecords['promise']>) {
      happened.push('promised');
      return super.promise(...change);
    }
  }
  const root = join(folder.path, 'shares');
  const { make } = await aSlot(records, root, WatchedRecords);
  const watching = await watchSyncs(root, (path) => {
    if (path === join(root, journalFolder)) happened.push('journal synced');
  });
  try {
    await make();
  } finally {
    watching.mockRestore();
  }
  expect(happened).toEqual(['journal synced', 'promised', 'journal synced']);
});

it('a slot whose making was decided on counts as there before its shares are, and is there first', async () => {
  await using folder = await temporaryFolder('slots');
  await using records = await testRecords();
  const root = join(folder.path, 'shares');
  const { slots, storageIndex, make } = await aSlot(records, root);
  expect(await slots.holdsAny(storageIndex)).toBe(false);
  // No folder for the slot can be made there.
  const inTheWay = join(root, dirname(bucketFolder(storageIndex)));
  await writeFile(inTheWay, '');
  await expect(make()).rejects.toMatchObject({ syscall: 'mkdir' });
  await expect(slots.holdsAny(storageIndex)).rejects.toMatchObject({ syscall: 'mkdir' });
  await rm(inTheWay);
  expect(await slots.holdsAny(storageIndex)).toBe(true);
  expect(await slots.list(storageIndex)).toEqual(new Set([0]));
});

it('a slot whose change cannot be finished at a start keeps no other from being used, and is brought in order later', async () => {
  await using folder = await temporaryFolder('slots');
  await using records = await testRecords();
  const root = join(folder.path, 'shares');
  const { storageIndex, make } = await aSlot(records, root);
  const inTheWay = join(root, dirname(bucketFolder(storageIndex)));
  await writeFile(inTheWay, '');
  await expect(make()).rejects.toMatchObject({ syscall: 'mkdir' });
  const slots = await slotsIn(root, records);
  expect(await slots.recover()).toEqual({ finished: 0, forgotten: 0, unsettled: 1 });
  await expect(make(storageIndex, slots)).rejects.toMatchObject({ syscall: 'mkdir' });
  // In another folder of the share folder.
  const another = Buffer.from(storageIndex).fill((storageIndex[0] ?? 0) ^ 0x80, 0, 1);
  expect(await make(another, slots)).toMatchObject({ success: true });
  await rm(inTheWay);
  expect(await slots.holdsAny(storageIndex)).toBe(true);
  const next = await slotsIn(root, records);
  expect(await next.recover()).toEqual({ finished: 0, forgotten: 0, unsettled: 0 });
});

it('what two changes of a slot left is brought in order one by one: the first is not looked for again when only the second fails', async () => {
  await using folder = await temporaryFolder('slots');
  await using records = await testRecords();
  const root = join(folder.path, 'shares');
  const { storageIndex } = await aSlot(records, root);
  const slot = base32Encode(storageIndex);
  for (const entry of [`${slot}.1`, `${slot}.2.preparing`]) await mkdir(join(root, journalFolder, entry));
  let failures = 1;
  class FailingJournal extends SlotJournal {
    override async discard(...entry: Parameters<SlotJournal['discard']>) {
      if (failures-- > 0) throw new Error('the disk does not answer');
      await super.discard(...entry);
    }
  }
  const slots = await slotsIn(root, records, SlotRecords, new FailingJournal(root));
  expect(await slots.recover()).toMatchObject({ unsettled: 1 });
  expect(await slots.holdsAny(storageIndex)).toBe(false);
  expect(await readdir(join(root, journalFolder))).toEqual([]);
});
