import { randomBytes } from 'node:crypto';
import { migrate, openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { blockedStatement, createTestDatabase } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../migrations/index.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { CorruptionReports } from './corruption-reports.js';

let records: TestRecords;
let server: number;
let reports: CorruptionReports;
beforeAll(async () => {
  records = await testRecords();
  server = await records.server();
  reports = new CorruptionReports(records.database, server);
});
afterAll(() => records?.[Symbol.asyncDispose]());

async function recorded() {
  const share = { storageIndex: randomBytes(16), shareNumber: 3 };
  await records.sql(
    `insert into storage.shares (server, storage_index, share_number, state, size) values ($1, $2, 3, 'stable', 10)`,
    [server, share.storageIndex],
  );
  return share;
}
const kept = ({ storageIndex }: { storageIndex: Buffer }) =>
  records.sql(
    `select account, reason, times from storage.corruption_reports
      where server = $1 and storage_index = $2 and share_number = 3 order by account, times`,
    [server, storageIndex],
  );

/** What the release before migration 7 says for every report. */
const addAsBefore = (share: { storageIndex: Buffer }, account: number, reason: string) =>
  records.sql(
    `insert into storage.corruption_reports (server, storage_index, share_number, account, reason)
     select $1::int, $2::bytea, $3::int, $4, $5
      where (select count(*) from storage.corruption_reports
              where server = $1 and storage_index = $2 and share_number = $3) < $6`,
    [server, share.storageIndex, 3, account, reason, 100],
  );

describe('corruption reports', () => {
  it('are one of each account for each share: the last, with how many there were', async () => {
    const share = await recorded();
    for (const reason of ['bad hash', 'bad block', 'bad tree']) await reports.add(share, 1, reason);
    await reports.add(share, 2, 'bad root');
    await Promise.all(Array.from({ length: 20 }, () => reports.add(share, 4, 'again')));
    expect(await kept(share)).toEqual([
      { account: 1, reason: 'bad tree', times: 3 },
      { account: 2, reason: 'bad root', times: 1 },
      { account: 4, reason: 'again', times: 20 },
    ]);
  });

  it('keep a few hundred bytes of what was written', async () => {
    const share = await recorded();
    await reports.add(share, 1, `${'\0'.repeat(200)}${'🐚'.repeat(8_000)}`);
    const [{ reason }] = (await kept(share)) as [{ reason: string }];
    expect(reason).toMatch(/^�{165}…$/);
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(500);
  });

  it('are those of a hundred accounts of a share, who can go on with theirs', async () => {
    const share = await recorded();
    for (let account = 1; account <= 101; account++) await reports.add(share, account, 'one');
    await reports.add(share, 7, 'two');
    const rows = (await kept(share)) as { account: number; reason: string }[];
    expect(rows.map(({ account }) => account)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    expect(rows[6]?.reason).toBe('two');
  });

  it('are not kept of a share without a record, with which they would go', async () => {
    const share = { storageIndex: randomBytes(16), shareNumber: 3 };
    await reports.add(share, 1, 'bad hash');
    expect(await kept(share)).toEqual([]);
  });

  it('wait for whoever is removing the share, and are not left behind', async () => {
    const share = await recorded();
    let adding: Promise<void> | undefined;
    await records.database.transaction(async (client) => {
      await client.query('delete from storage.shares where storage_index = $1', [share.storageIndex]);
      adding = reports.add(share, 1, 'bad hash');
      await blockedStatement(client);
    });
    await adding;
    expect(await kept(share)).toEqual([]);
  });

  it('can be added by the release before beside this one', async () => {
    const share = await recorded();
    await addAsBefore(share, 1, 'old');
    await reports.add(share, 1, 'new');
    await addAsBefore(share, 1, 'old again');
    await reports.add(share, 1, 'newer');
    expect(await kept(share)).toEqual([
      { account: 1, reason: 'newer', times: 2 },
      { account: 1, reason: 'old', times: null },
      { account: 1, reason: 'old again', times: null },
    ]);
  });

  it('of before are brought down to that, and those of shares that are gone go too', async () => {
    await using temporary = await createTestDatabase();
    const logger = silentLogger();
    const database = openPool({ url: temporary.url, applicationName: 'test', logger });
    await migrate(database, { schema: 'storage', migrations: migrations.slice(0, 6), logger });
    const [known, gone] = [randomBytes(16), randomBytes(16)];
    await database.pool.query(
      `insert into storage.shares (server, storage_index, share_number, state, size) values (1, $1, 3, 'stable', 10)`,
      [known],
    );
    await database.pool.query(
      `insert into storage.corruption_reports (server, storage_index, share_number, account, reported_at, reason)
       values (1, $1, 3, 1, '2030-01-02', repeat('🐚', 8000)), (1, $1, 3, 1, '2030-01-01', 'older'),
              (1, $1, 3, 2, '2030-01-01', 'of another'), (1, $2, 3, 1, '2030-01-01', 'of a share that is gone')`,
      [known, gone],
    );
    await migrate(database, { schema: 'storage', migrations, logger });
    const { rows } = await database.pool.query(
      `select storage_index, account, reported_at = '2030-01-02' as last, reason, times
         from storage.corruption_reports order by account`,
    );
    expect(rows).toEqual([
      { storage_index: known, account: 1, last: true, reason: `${'🐚'.repeat(120)}…`, times: 2 },
      { storage_index: known, account: 2, last: false, reason: 'of another', times: 1 },
    ]);
    await database.close();
  });
});
