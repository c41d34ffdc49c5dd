import { randomBytes } from 'node:crypto';
import type { Database } from '@holdfast/common/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { ShareRecords } from './share-records.js';

const leaseDuration = 31 * 86_400_000;

let records: TestRecords;
beforeAll(async () => {
  records = await testRecords();
});
afterAll(() => records?.[Symbol.asyncDispose]());

/** The same database, and the plans by which it runs what it is asked. */
function planned({ database }: TestRecords): { database: Database; plans: string[] } {
  const plans: string[] = [];
  const query = async (text: string, values: unknown[]) => {
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
    plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
    return database.pool.query(text, values);
  };
  return { database: { ...database, pool: { query } as unknown as Database['pool'] }, plans };
}

describe('coming shares', () => {
  it('are found in order, page by page, by an index that has no others: every start looks for them', async () => {
    const [server, other] = [await records.server(), await records.server('v0-other')];
    await records.sql(
      `insert into storage.shares (server, storage_index, share_number, state, size)
       select server, uuid_send(gen_random_uuid()), n % 3, 'stable', 10
         from unnest($1::int[]) as server, generate_series(1, 10000) as n`,
      [[server, other]],
    );
    const coming = Array.from({ length: 5 }, () => randomBytes(16)).sort(Buffer.compare);
    await records.sql(
      `insert into storage.shares (server, storage_index, share_number, state, size)
       select server, storage_index, 1, 'coming', 10
         from unnest($1::int[]) as server, unnest($2::bytea[]) as storage_index`,
      [[server, other], coming],
    );
    const { database, plans } = planned(records);
    const shares = new ShareRecords(database, server, leaseDuration);
    // Also before Postgres has counted anything, as after a restore.
    const first = await shares.comingAfter(undefined, 3);
    await records.sql('analyze storage.shares');
    const second = await shares.comingAfter(first.at(-1), 3);
    expect([...first, ...second].map(({ storageIndex }) => Buffer.from(storageIndex))).toEqual(coming);
    expect(await shares.comingAfter(second.at(-1), 3)).toEqual([]);
    for (const plan of plans) expect(plan).toContain('shares_coming');
    expect(plans).toHaveLength(3);
  });
});
