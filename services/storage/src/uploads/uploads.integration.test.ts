import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '@holdfast/common/logging';
import { type TemporaryFolder, temporaryFolder, waitFor } from '@holdfast/lab';
import { type ShareAddress, sharePath } from '@holdfast/lafs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loggingQuarantine } from '../damage/quarantine.js';
import { LeaseRecords } from '../records/lease-records.js';
import { PlacedRecords } from '../records/placed-records.js';
import { ShareRecords } from '../records/share-records.js';
import { ShareAdoption } from '../recovery/share-adoption.js';
import { DiskShareBackend } from '../share-backend/disk-share-backend.js';
import type { IncomingShare, NewShare } from '../share-backend/share-backend.js';
import { Space } from '../space/space.js';
import { newIndex } from '../testing/new-shares.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { Admission } from '../usage/admission.js';
import { Quotas } from '../usage/quota.js';
import { PlacedShares } from './placed-shares.js';
import { Uploads } from './uploads.js';

const leaseDuration = 1_000_000;
const [shareNumber, size] = [7, 1_000];

/** A disk whose folders take their time to be synced: a share can be seen in its place long before it is durable there. */
class SlowBackend extends DiskShareBackend {
  syncing: Promise<void> = Promise.resolve();

  override begin(share: ShareAddress, contents: NewShare): IncomingShare {
    const incoming = super.begin(share, contents);
    const place = incoming.place.bind(incoming);
    incoming.place = async () => {
      await place();
      await this.syncing;
    };
    return incoming;
  }
}

let folder: TemporaryFolder;
let known: TestRecords;
let backend: SlowBackend;
let uploads: Uploads;
beforeEach(async () => {
  [folder, known] = [await temporaryFolder('uploads'), await testRecords()];
  const { database } = known;
  const server = await known.server();
  const logger = silentLogger();
  backend = new SlowBackend(folder.path, logger);
  await backend.open();
  const records = new ShareRecords(database, server, leaseDuration);
  const admission = new Admission(
    new Quotas(database),
    records,
    new LeaseRecords(database, server, leaseDuration),
  );
  uploads = new Uploads({
    backend,
    records,
    placedShares: new PlacedShares({
      backend,
      database,
      server,
      records: new PlacedRecords(database, server, leaseDuration),
      admission,
    }),
    adoption: new ShareAdoption({ backend, database, server, leaseDuration, accountOf: () => undefined }),
    admission,
    space: new Space(() => backend.freeSpace(), 0),
    quarantine: loggingQuarantine(logger),
    leaving: { now: false },
    logger,
    mostOpen: 10,
    mostOpenOfOne: 10,
    abandonedAfter: 60_000,
    leastPace: 1,
    holdsMutable: async () => false,
  });
});
afterEach(async () => {
  await backend.close();
  await known[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Two clients that want the same share stored. */
function clients() {
  const storageIndex = newIndex();
  const ask = (uploadSecret: Uint8Array, mayComeFirst: boolean) =>
    uploads.allocate({
      storageIndex,
      shareNumbers: new Set([shareNumber]),
      size,
      uploadSecret,
      account: 1,
      lease: { owner: 1, renewSecret: randomBytes(32), cancelSecret: randomBytes(32), expiresAt: 0 },
      mayComeFirst,
    });
  const secret = randomBytes(32);
  return {
    first: (mayComeFirst = false) => ask(secret, mayComeFirst),
    second: () => ask(randomBytes(32), false),
    write: () =>
      uploads.write(uploads.find({ storageIndex, shareNumber }, secret, 1), { begin: 0, end: size }, (take) =>
        take(0, [new Uint8Array(size)]),
      ),
    isInPlace: () => existsSync(join(folder.path, sharePath(storageIndex, shareNumber))),
  };
}

const none: ReadonlySet<number> = new Set();
const theShare: ReadonlySet<number> = new Set([shareNumber]);

describe('a share that is in its place, and not durable there yet', () => {
  it.each([
    ['was announced', false],
    ['comes first', true],
  ])('of an upload that %s, is there for nobody before it is', async (_, mayComeFirst) => {
    let synced = () => {};
    backend.syncing = new Promise((resolve) => {
      synced = resolve;
    });
    const { first, second, write, isInPlace } = clients();
    expect((await first(mayComeFirst)).allocated).toEqual(theShare);
    const writing = write();
    await waitFor('it is in its place', () => isInPlace() || undefined);
    expect(await second()).toEqual({ present: none, allocated: none });
    expect(await first(mayComeFirst)).toEqual({ present: none, allocated: theShare });
    synced();
    expect(await writing).toEqual([]);
    expect(await second()).toEqual({ present: theShare, allocated: none });
  });
});
