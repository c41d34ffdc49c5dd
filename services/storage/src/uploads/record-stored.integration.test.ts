import { randomBytes } from 'node:crypto';
import type { ShareAddress } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeaseRecords } from '../records/lease-records.js';
import { ShareRecords } from '../records/share-records.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { wrongTotals } from '../testing/totals.js';
import { Admission } from '../usage/admission.js';
import { Quotas } from '../usage/quota.js';
import { type RecordStoredOptions, recordStored } from './record-stored.js';
import { Upload } from './upload.js';

const day = 86_400_000;

let records: TestRecords;
let server: number;
beforeAll(async () => {
  records = await testRecords();
  server = await records.server();
});
afterAll(() => records?.[Symbol.asyncDispose]());

/** Records as they are, over a folder of which only the names of its shares matter. */
function recording() {
  const { database } = records;
  const shares = new ShareRecords(database, server, day);
  const leases = new LeaseRecords(database, server, day);
  const admission = new Admission(new Quotas(database), shares, leases);
  const files = new Set([0]);
  const backend: RecordStoredOptions['backend'] = {
    shareFiles: async () => files,
    remove: async (removed) => {
      for (const { shareNumber } of removed) files.delete(shareNumber);
      return removed.map(() => undefined);
    },
  };
  return {
    shares,
    files,
    record: (upload: Upload) => recordStored({ backend, records: shares, admission }, upload),
  };
}

function stored(account: number, size: number, share: ShareAddress = newShare()): Upload {
  const incoming = {
    write: async () => undefined,
    readBack: async () => new Uint8Array(),
    place: async () => undefined,
    release: async () => undefined,
    discard: async () => undefined,
  };
  const secret = new Uint8Array(32);
  return new Upload({ share, size, secret, account, space: size, promised: false, incoming });
}

function newShare(): ShareAddress {
  return { storageIndex: new Uint8Array(randomBytes(16)), shareNumber: 0 };
}

function rowOf({ storageIndex, shareNumber }: ShareAddress) {
  return records.sql(
    `select state, size, uploader, array(
              select account from storage.leases
               where (server, storage_index, share_number) = ($1, $2, $3)) as leased
       from storage.shares where (server, storage_index, share_number) = ($1, $2, $3)`,
    [server, storageIndex, shareNumber],
  );
}

describe('a share that was stored without having been promised', () => {
  it('is recorded with a lease of its uploader, and counted', async () => {
    const account = await records.account('plain');
    const { record } = recording();
    const upload = stored(account, 700);
    await record(upload);
    expect(await rowOf(upload.share)).toEqual([
      { state: 'stable', size: 700, uploader: account, leased: [account] },
    ]);
    expect(await wrongTotals(records)).toEqual([]);
  });

  it('is recorded once, when its recording is repeated because the answer was lost', async () => {
    const account = await records.account('repeating');
    const { record, files } = recording();
    const upload = stored(account, 700);
    await record(upload);
    await record(upload);
    expect(await rowOf(upload.share)).toEqual([
      { state: 'stable', size: 700, uploader: account, leased: [account] },
    ]);
    expect([...files]).toEqual([0]);
    expect(await wrongTotals(records)).toEqual([]);
  });

  it('is recorded with many others at once', async () => {
    const account = await records.account('busy');
    const { record } = recording();
    const uploads = Array.from({ length: 200 }, (_, index) => stored(account, 100 + index));
    await Promise.all(uploads.map(record));
    for (const { share, size } of uploads) {
      expect(await rowOf(share)).toMatchObject([{ state: 'stable', size, leased: [account] }]);
    }
    expect(await wrongTotals(records)).toEqual([]);
  });

  it('is recorded within a quota that its account has just been given', async () => {
    const account = await records.account('limited', 1_000);
    const { record } = recording();
    const upload = stored(account, 700);
    await record(upload);
    expect(await rowOf(upload.share)).toMatchObject([{ state: 'stable', leased: [account] }]);
    expect(await wrongTotals(records)).toEqual([]);
  });

  it('is taken out of its place again where that quota does not allow it', async () => {
    const account = await records.account('full', 100);
    const { record, files } = recording();
    const upload = stored(account, 700);
    await expect(record(upload)).rejects.toMatchObject({ code: 'quota-exceeded' });
    expect(await rowOf(upload.share)).toEqual([]);
    expect([...files]).toEqual([]);
    expect(await wrongTotals(records)).toEqual([]);
  });

  it('is taken out of its place where one of its name is just being deleted', async () => {
    const account = await records.account('late');
    const { record, files } = recording();
    const upload = stored(account, 700);
    await records.sql(
      `insert into storage.shares (server, storage_index, share_number, state, size)
       values ($1, $2, 0, 'going', 700)`,
      [server, upload.share.storageIndex],
    );
    await expect(record(upload)).rejects.toMatchObject({ code: 'upload-failed' });
    expect(await rowOf(upload.share)).toMatchObject([{ state: 'going', leased: [] }]);
    expect([...files]).toEqual([]);
  });

  it('takes the place of one that the disk had lost, if it is as large as that', async () => {
    const account = await records.account('second');
    const owner = await records.account('first');
    const { record } = recording();
    const lost = stored(owner, 700);
    await record(lost);
    await expect(recording().record(stored(account, 800, lost.share))).rejects.toMatchObject({
      code: 'upload-failed',
    });
    await record(stored(account, 700, lost.share));
    const [row] = await rowOf(lost.share);
    expect(row).toMatchObject({ state: 'stable', size: 700 });
    expect(new Set((row as { leased: number[] }).leased)).toEqual(new Set([owner, account]));
    expect(await wrongTotals(records)).toEqual([]);
  });

  it('is not acknowledged where a collection that went on just then took its file', async () => {
    const account = await records.account('unlucky');
    const { record, files } = recording();
    files.clear();
    await expect(record(stored(account, 700))).rejects.toMatchObject({ code: 'upload-failed' });
  });
});
