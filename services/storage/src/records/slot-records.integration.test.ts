import { randomBytes } from 'node:crypto';
import type { Database } from '@holdfast/common/database';
import { blockedStatement } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CollectionRecords } from '../collection/collection-records.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { wrongTotals } from '../testing/totals.js';
import { Quotas } from '../usage/quota.js';
import { SlotRecords } from './slot-records.js';

const minute = 60_000;

let records: TestRecords;
beforeAll(async () => {
  records = await testRecords();
});
afterAll(() => records?.[Symbol.asyncDispose]());

/** A slot of one share at a server whose leases last a minute. */
async function newSlot() {
  const server = await records.server();
  const storageIndex = randomBytes(16);
  const slots = new SlotRecords(records.database, server, minute, new Quotas(records.database));
  const promise = (account: number) => slots.promise(storageIndex, account, [{ shareNumber: 0, size: 10 }]);
  const record = (account: number) =>
    slots.record(storageIndex, account, [{ shareNumber: 0, size: 10, leased: true }], []);
  return {
    promise,
    write: async (account: number) => {
      await promise(account);
      await record(account);
    },
    endIn: (account: number, interval: string) =>
      records.sql(
        `update storage.leases set expires_at = now() + $3::interval where storage_index = $1 and account = $2`,
        [storageIndex, account, interval],
      ),
    /** In how many minutes leases end, by account. */
    leases: async () => {
      const rows = await records.sql<{ account: number; minutes: number }>(
        `select account, ceil(extract(epoch from expires_at - now()) / 60)::int as minutes
           from storage.leases where storage_index = $1`,
        [storageIndex],
      );
      return new Map(rows.map(({ account, minutes }) => [account, minutes]));
    },
    /** Ends leases that have run out; gives how many shares go by it. */
    expire: async () => {
      const client = await records.database.pool.connect();
      const generation = { requireCurrentIn: async () => undefined };
      const { going } = await new CollectionRecords(client, server, generation).expire(1_000);
      client.release();
      return going.length;
    },
  };
}

describe('the promise of a change of a slot', () => {
  it('leaves the leases of others as they are: they pay for them', async () => {
    const writer = await records.account('writer');
    const [over, running] = [await records.account('has run out'), await records.account('runs out')];
    const slot = await newSlot();
    for (const account of [over, running, writer]) await slot.write(account);
    await slot.endIn(over, '-30 minutes');
    await slot.endIn(running, '10 minutes');
    await slot.promise(writer);
    expect(await slot.leases()).toEqual(
      new Map([
        [over, -30],
        [running, 10],
        [writer, 60],
      ]),
    );
  });

  it('keeps the share for the writer, whose own lease lasts an hour, whatever else runs out meanwhile', async () => {
    const [writer, other] = [await records.account('rewriter'), await records.account('gone')];
    const slot = await newSlot();
    await slot.write(other);
    await slot.endIn(other, '-1 second');
    await slot.promise(writer);
    expect(await slot.expire()).toBe(0);
    expect(await slot.leases()).toEqual(new Map([[writer, 60]]));
    await slot.endIn(writer, '-1 second');
    await slot.promise(writer);
    expect(await slot.expire()).toBe(0);
    expect(await slot.leases()).toEqual(new Map([[writer, 60]]));
    expect(await wrongTotals(records)).toEqual([]);
  });
});

describe('the record of a change of a slot', () => {
  it('locks leases in the order of their keys, as whoever renews them does', async () => {
    const [server, account] = [await records.server(), await records.account('renews')];
    const storageIndex = randomBytes(16);
    const transactions = { begun: 0 };
    const database: Database = {
      ...records.database,
      transaction: (work) => {
        transactions.begun++;
        return records.database.transaction(work);
      },
    };
    const slots = new SlotRecords(database, server, minute, new Quotas(records.database));
    const share = (shareNumber: number) => ({ shareNumber, size: 10, leased: true });
    await slots.record(storageIndex, account, [share(0), share(1)], []);
    transactions.begun = 0;
    let recording: Promise<void> | undefined;
    await records.database.transaction(async (client) => {
      const lockLease = (shareNumber: number) =>
        client.query(
          'select from storage.leases where storage_index = $1 and share_number = $2 for no key update',
          [storageIndex, shareNumber],
        );
      await lockLease(0);
      recording = slots.record(storageIndex, account, [share(1)], [0]);
      await blockedStatement(client);
      await lockLease(1);
    });
    await recording;
    // Nothing was taken back, to be tried again.
    expect(transactions.begun).toBe(1);
    expect(
      await records.sql('select share_number from storage.leases where storage_index = $1', [storageIndex]),
    ).toEqual([{ share_number: 1 }]);
    expect(await wrongTotals(records)).toEqual([]);
  });
});
