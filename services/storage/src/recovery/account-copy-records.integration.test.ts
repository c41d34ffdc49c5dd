import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { setAccountQuota, setAccountState } from '../accounts/account-changes.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import type { CopiedAccounts } from './account-copy.js';
import { gatherAccounts, restoreAccounts } from './account-copy-records.js';
import type { Generation } from './generation.js';

let records: TestRecords;
let server: number;
beforeAll(async () => {
  records = await testRecords();
  server = await records.server();
});
afterAll(() => records?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await records.sql(`delete from storage.accounts where name not in ('anonymous', 'starter')`);
  await records.account('alice', 1_000);
});

const current = { requireCurrentIn: async () => undefined } as unknown as Generation;
const copied = () => gatherAccounts(records.database, server, current);
const restore = async (copy: CopiedAccounts, behind = true) =>
  (await restoreAccounts(records.database, server, copy, { behind })).changed;
const alice = async () => (await copied()).accounts.find(({ name }) => name === 'alice');
const keep = async () => {
  await records.sql('drop table if exists backup');
  await records.sql('create table backup as table storage.accounts');
};
/** Puts the accounts that both have back as `keep` found them, as a restored database has them: without triggers. */
const goBack = () =>
  records.database.transaction(async (client) => {
    await client.query('alter table storage.accounts disable trigger user');
    await client.query(
      `update storage.accounts as a
          set state = b.state, quota = b.quota, lease_seconds = b.lease_seconds, repairer = b.repairer,
              changed_at = b.changed_at
         from backup as b where a.key = b.key and a.name = b.name`,
    );
    await client.query('alter table storage.accounts enable trigger user');
  });
const forgetWhen = () => records.sql('update storage.accounts set changed_at = null');
/** A change that no command of ours makes alone. */
const changeAll = () =>
  records.sql(
    `update storage.accounts set state = 'frozen', quota = 5, lease_seconds = 60, repairer = true where name = 'alice'`,
  );

describe('accounts of an older database', () => {
  it('are as their copy says that they were changed since, and named', async () => {
    await keep();
    await changeAll();
    const copy = await copied();
    const changed = await alice();
    await goBack();
    expect(await alice()).toMatchObject({ state: 'active', quota: 1_000 });
    expect(await restore(copy)).toEqual(['alice']);
    expect(await alice()).toEqual(changed);
    expect(await restore(copy)).toEqual([]);
  });

  it('are so too where nothing else tells that it is older', async () => {
    await keep();
    await setAccountState(records.database, 'alice', 'revoked');
    const copy = await copied();
    await goBack();
    expect(await restore(copy, false)).toEqual(['alice']);
    expect(await alice()).toMatchObject({ state: 'revoked' });
  });

  it('keep what an operator has changed since it was restored', async () => {
    await keep();
    await setAccountState(records.database, 'alice', 'revoked');
    const copy = await copied();
    await goBack();
    await setAccountQuota(records.database, 'alice', 7);
    expect(await restore(copy)).toEqual([]);
    expect(await alice()).toMatchObject({ state: 'active', quota: 7 });
  });

  it('end as the newest copy says, whichever of several servers is recovered first', async () => {
    await keep();
    await setAccountState(records.database, 'alice', 'frozen');
    const older = await copied();
    await setAccountState(records.database, 'alice', 'active');
    await setAccountState(records.database, 'alice', 'revoked');
    const newer = await copied();
    for (const [first, second] of [
      [older, newer],
      [newer, older],
    ] as const) {
      await goBack();
      expect(await restore(first)).toEqual(['alice']);
      expect(await restore(second)).toEqual(second === newer ? ['alice'] : []);
      expect(await alice()).toMatchObject({ state: 'revoked' });
    }
  });

  it('are as the copy says where neither tells when they were changed, if the database is behind', async () => {
    await keep();
    await setAccountState(records.database, 'alice', 'revoked');
    await forgetWhen();
    const copy = await copied();
    await goBack();
    expect(await restore(copy, false)).toEqual([]);
    expect(await alice()).toMatchObject({ state: 'active' });
    expect(await restore(copy)).toEqual(['alice']);
    expect(await alice()).toMatchObject({ state: 'revoked' });
  });

  it('are left alone where they have another key: they were made anew', async () => {
    await setAccountState(records.database, 'alice', 'revoked');
    const copy = await copied();
    await records.sql(`delete from storage.accounts where name = 'alice'`);
    await records.account('alice', 9);
    expect(await restore(copy)).toEqual([]);
    expect(await alice()).toMatchObject({ state: 'active', quota: 9 });
  });
});

describe('the copy of an account', () => {
  it('says when it was changed, and of one that never was nothing that a release before does not know', async () => {
    expect(await alice()).not.toHaveProperty('changed_at');
    const before = Date.now();
    await setAccountQuota(records.database, 'alice', 2_000);
    const { changed_at: changed } = (await alice()) as { changed_at: string };
    expect(changed).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(Math.abs(Date.parse(changed) - before)).toBeLessThan(60_000);
    // What changes nothing is no change.
    await setAccountQuota(records.database, 'alice', 2_000);
    expect(await alice()).toMatchObject({ changed_at: changed });
  });
});
