import type { Database } from '@holdfast/common/database';
import type { PoolClient } from 'pg';
import { whileDatabaseReturns } from '../records/database-errors.js';
import { StorageError } from '../storage-error.js';
import { AccountTurns } from './account-turns.js';
import { describeBytes } from './describe-bytes.js';

/** Accounts that may be within their quotas at once: of the connections to Postgres most are left to everybody else. */
const accountsAtOnce = 2;

/** A server that stops halfway must not keep the account locked for the others. */
const mostIdle = '10s';

/** Nor must whoever keeps it locked take up a connection of everybody who waits for it. */
const longestLockWait = '2s';

/** What an account with a quota has at the moment. Nobody else changes it while it is looked at. */
export interface Allowance {
  /** Most bytes that it may have. */
  readonly quota: number;
  /** Bytes under its leases and promised to its uploads, on all servers of the database. */
  readonly used: number;
}

/** Keeps accounts within their quotas, on this server and with all others of the database. */
export class Quotas {
  readonly #database: Database;
  readonly #turns = new AccountTurns(accountsAtOnce);
  /** Accounts that had a quota when last seen. */
  readonly #limited = new Set<number>();

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Runs something that may make an account use more, in one transaction, and takes it back whole where the account
   * then has more than its quota on all servers of the database together. While it runs no other such transaction of
   * the account does, on any server. What does not make it use more never fails, however much it uses. The quota is the
   * one that stands in the database then; an account without one is not held up by anything.
   *
   * Statements within take their locks in the order of usage/totals.ts; that of the account comes before them all.
   *
   * @param account its key
   * @param work may be run twice; changes totals with all else it changes. It is told what the account has, undefined
   *   where there is no quota
   * @throws StorageError `quota-exceeded`, `server-busy`, `database-unavailable`; what `work` throws
   */
  within<T>(
    account: number,
    work: (client: PoolClient, allowance: Allowance | undefined) => Promise<T>,
  ): Promise<T> {
    return whileDatabaseReturns(async () => {
      if (!this.#limited.has(account)) {
        const done = await this.#database.transaction(async (client) => {
          if ((await quotaOf(client, account, '')) !== null) return undefined;
          return { result: await work(client, undefined) };
        });
        if (done) return done.result;
        this.#limited.add(account);
      }
      return this.#turns.during(account, () =>
        this.#database.transaction((client) => this.#limitedWork(client, account, work)),
      );
    });
  }

  async #limitedWork<T>(
    client: PoolClient,
    account: number,
    work: (client: PoolClient, allowance: Allowance | undefined) => Promise<T>,
  ): Promise<T> {
    const quota =
      (await quotaOf(client, account, '')) === null
        ? null
        : await quotaOf(client, account, 'for no key update');
    if (quota === null) {
      this.#limited.delete(account);
      return work(client, undefined);
    }
    const used = await usedBy(client, account);
    const result = await work(client, { quota, used });
    const after = await usedBy(client, account);
    if (after > quota && after > used) throw quotaExceeded(after - used, { quota, used });
    return result;
  }
}

/** Why an account may not have so many bytes more. */
export function quotaExceeded(more: number, { quota, used }: Allowance): StorageError {
  return new StorageError(
    'quota-exceeded',
    // One clause: clients show it among other words, some only up to a colon.
    `the quota of this account does not allow ${describeBytes(more)} more, ` +
      `as it uses ${describeBytes(used)} of ${describeBytes(quota)}`,
  );
}

async function quotaOf(client: PoolClient, account: number, lock: string): Promise<number | null> {
  const { rows } = await client.query<{ quota: number | null }>(
    `select quota, set_config('idle_in_transaction_session_timeout', $2, true), set_config('lock_timeout', $3, true)
       from storage.accounts where key = $1 ${lock}`,
    [account, mostIdle, longestLockWait],
  );
  return rows[0]?.quota ?? null;
}

/** Bytes under its leases and promised to its uploads. The commit is to reach the disk, whatever `work` had set. */
async function usedBy(client: PoolClient, account: number): Promise<number> {
  const { rows } = await client.query<{ used: number }>(
    `select coalesce(sum(bytes + promised), 0)::bigint as used, set_config('synchronous_commit', 'on', true)
       from storage.usage_totals where account = $1`,
    [account],
  );
  return (rows[0] as { used: number }).used;
}
