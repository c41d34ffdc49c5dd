import type { Database } from '@holdfast/common/database';
import type { AccountState } from '../records/accounts.js';
import { AccountError } from './account-error.js';

/**
 * Makes an account active, frozen or revoked; one that is so already stays so.
 *
 * @throws AccountError `no-such-account`; `fixed-account` for `starter`; `revoked` where a revoked one is to be frozen,
 *   which would let it in again
 */
export async function setAccountState(database: Database, name: string, state: AccountState): Promise<void> {
  const { rowCount } = await database.pool.query(
    `update storage.accounts set state = $2::storage.account_state
      where name = $1 and name <> 'starter' and not (state = 'revoked' and $2 = 'frozen')`,
    [name, state],
  );
  if (rowCount === 1) return;
  await requireChangeable(database, name);
  throw new AccountError(
    'revoked',
    name,
    `the account ${name} is revoked: unfreeze it first to let it in again`,
  );
}

/**
 * Sets how many bytes of share data an account may have over all servers; undefined: as many as there is room for.
 *
 * @throws AccountError `no-such-account`; `fixed-account` for `starter`
 */
export async function setAccountQuota(
  database: Database,
  name: string,
  quota: number | undefined,
): Promise<void> {
  const { rowCount } = await database.pool.query(
    `update storage.accounts set quota = $2 where name = $1 and name <> 'starter'`,
    [name, quota ?? null],
  );
  if (rowCount === 0) await requireChangeable(database, name);
}

async function requireChangeable(database: Database, name: string): Promise<void> {
  if (name === 'starter') {
    throw new AccountError(
      'fixed-account',
      name,
      'the account starter cannot be changed: it is nobody, and holds shares that were found without a record',
    );
  }
  const { rowCount } = await database.pool.query('select from storage.accounts where name = $1', [name]);
  if (rowCount === 0) throw new AccountError('no-such-account', name, `there is no account ${name}`);
}
