import { randomBytes } from 'node:crypto';
import type { Database } from '@holdfast/common/database';
import { blockedStatement } from '@holdfast/lab';
import type { ShareAddress } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InspectedShare } from '../share-backend/share-backend.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { wrongTotals } from '../testing/totals.js';
import { ShareAdoption } from './share-adoption.js';

let records: TestRecords;
let servers = 0;
beforeAll(async () => {
  records = await testRecords();
});
afterAll(() => records?.[Symbol.asyncDispose]());

/** An adoption at a new server, which counts its transactions. */
async function newAdoption(inspect: (shares: readonly ShareAddress[]) => readonly InspectedShare[]) {
  const server = await records.server(`v0-${servers++}`);
  const counted = { transactions: 0 };
  const database: Database = {
    ...records.database,
    transaction: (work) => {
      counted.transactions++;
      return records.database.transaction(work);
    },
  };
  const adoption = new ShareAdoption({
    backend: { inspect: async (shares) => inspect(shares) },
    database,
    server,
    leaseDuration: 60_000,
    accountOf: (owner) => owner,
  });
  return { adoption, server, counted };
}

const found = (kind: 'immutable' | 'mutable', size: number, owners: readonly number[]): InspectedShare => ({
  storageIndex: randomBytes(16),
  shareNumber: 0,
  kind,
  size,
  owners,
});

describe('an adoption', () => {
  it('records no mutable share that a client removes when it was looked into already', async () => {
    const [removed, written, kept] = [
      found('mutable', 1, []),
      found('mutable', 2, []),
      found('immutable', 3, []),
    ];
    const looks: (readonly ShareAddress[])[] = [];
    const { adoption, server } = await newAdoption((shares) => {
      looks.push(shares);
      return [removed, written, kept].filter(
        (share) => shares.includes(share) && (share !== removed || looks.length === 1),
      );
    });
    expect(await adoption.adopt([removed, written, kept])).toEqual({ found: [written, kept], recorded: 2 });
    expect(
      await records.sql('select size from storage.shares where server = $1 order by size', [server]),
    ).toEqual([{ size: 2 }, { size: 3 }]);
    // An immutable one cannot be removed meanwhile.
    expect(looks[1]).toEqual([removed, written]);
    expect(await wrongTotals(records)).toEqual([]);
  });
});

describe('an adoption for records of an older time', () => {
  it.each([
    ['those of one that comes first', 'usage_totals where server = $1 and account = $2'],
    ['its shares', 'shares where server = $1 and $2::int is not null'],
  ])('locks the totals of no account before %s', async (what, held) => {
    const [first, second] = [await records.account(`${what} 1`), await records.account(`${what} 2`)];
    const [resized, unrecorded] = [found('mutable', 20, []), found('immutable', 5, [second])];
    const { adoption, server, counted } = await newAdoption(() => [resized, unrecorded]);
    await records.sql(
      `with shared as (
         insert into storage.shares (server, storage_index, share_number, state, kind, size)
         values ($1, $2, 0, 'stable', 'mutable', 10)),
       leased as (
         insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
         values ($1, $2, 0, $3, now(), now()))
       insert into storage.usage_totals (server, account, bytes, shares) values ($1, $3, 10, 1), ($1, $4, 0, 0)`,
      [server, resized.storageIndex, first, second],
    );
    let adopting: ReturnType<ShareAdoption['adoptAnew']> | undefined;
    await records.database.transaction(async (client) => {
      await client.query(`select from storage.${held} for update`, [server, first]);
      adopting = adoption.adoptAnew([resized, unrecorded]);
      await blockedStatement(client);
      await client.query('select from storage.usage_totals where account = $1 for update', [second]);
    });
    expect((await adopting)?.recorded).toBe(1);
    // Nothing was taken back, to be tried again.
    expect(counted.transactions).toBe(1);
    expect(
      await records.sql(
        'select account, bytes, shares from storage.usage_totals where server = $1 order by account',
        [server],
      ),
    ).toEqual([
      { account: first, bytes: 20, shares: 1 },
      { account: second, bytes: 5, shares: 1 },
    ]);
    expect(await wrongTotals(records)).toEqual([]);
  });
});
