import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Database } from '@holdfast/common/database';
import { encodeContainerHeader, encodeLeaseRecord, sharePath } from '@holdfast/lafs';

/** Bytes of data in each made share. */
export const madeSize = 1000;
/** Accounts that have half of the leases between them; the anonymous one has the other half. */
export const madeAccounts = 100;

/** The storage index of the `n`th made share; `fillRecords` makes the same in SQL. */
export function madeIndex(n: number): Uint8Array {
  return createHash('sha256').update(`made ${n}`).digest().subarray(0, 16);
}

/** Whether the anonymous account has the lease on the `n`th made share. */
export function isAnonymous(n: number): boolean {
  return n % 2 === 0;
}

/** Puts the first so many shares into a share folder. */
export function makeFiles(folder: string, count: number): void {
  const secret = new Uint8Array(32);
  const lease = encodeLeaseRecord({
    owner: 1,
    renewSecret: secret,
    cancelSecret: secret,
    expiresAt: 2 ** 32 - 1,
  });
  const header = encodeContainerHeader({ dataSize: madeSize, leaseCount: 1 });
  const file = Buffer.concat([header, Buffer.alloc(madeSize, 'made'), lease]);
  for (let n = 0; n < count; n++) {
    const path = join(folder, sharePath(madeIndex(n), 0));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file);
  }
}

/** Moves all shares of one share folder into another, which has none. */
export function moveFiles(from: string, to: string): void {
  for (const section of readdirSync(from)) {
    if (/^[a-z2-7]{2}$/.test(section)) renameSync(join(from, section), join(to, section));
  }
}

/** Records the shares from one number to before another, each with a lease, and the accounts that have them. */
export async function fillRecords(
  database: Database,
  server: number,
  from: number,
  to: number,
): Promise<void> {
  const { pool } = database;
  await pool.query(
    `insert into storage.accounts (name) select 'customer' || n from generate_series(1, $1::int) as n
       on conflict do nothing`,
    [madeAccounts],
  );
  // Statements have a minute each.
  for (let begin = from; begin < to; begin += 100_000) {
    await pool.query(
      `with made as materialized (
         select n, substring(sha256(convert_to('made ' || n, 'UTF8')) for 16) as storage_index
           from generate_series($2::int, $3::int) as n),
       customers as materialized (
         select array_agg(key order by key) as keys from storage.accounts where name like 'customer%'),
       shares as (
         insert into storage.shares (server, storage_index, share_number, state, size)
         select $1::int, storage_index, 0, 'stable', $4::bigint from made)
       insert into storage.leases (server, storage_index, share_number, account, renewed_at, expires_at)
       select $1::int, storage_index, 0,
              case when n % 2 = 0 then (select key from storage.accounts where name = 'anonymous')
                   else keys[1 + n / 2 % $5::int] end,
              now(), now() + interval '31 days' - n * interval '1 second'
         from made, customers`,
      [server, begin, Math.min(begin + 100_000, to) - 1, madeSize, madeAccounts],
    );
  }
  // What this leaves Postgres to write would otherwise be written in the middle of what is measured.
  await pool.query('checkpoint');
  await pool.query('analyze storage.shares');
  await pool.query('analyze storage.leases');
}

/** Lets the leases on the first so many shares run out. */
export async function expireLeases(database: Database, server: number, count: number): Promise<void> {
  for (let begin = 0; begin < count; begin += 10_000) {
    const indexes = Array.from({ length: Math.min(10_000, count - begin) }, (_, n) => madeIndex(begin + n));
    await database.pool.query(
      `update storage.leases set expires_at = now() - interval '1 second'
        where server = $1 and storage_index = any($2::bytea[])`,
      [server, indexes],
    );
  }
}
