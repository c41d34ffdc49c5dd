import type { Database } from '@holdfast/common/database';
import type { Logger } from '@holdfast/common/logging';
import type pg from 'pg';
import { credentialHash } from '../records/accounts.js';
import { AccountError } from './account-error.js';
import { checkAccountName } from './account-name.js';
import { deriveCredential, newAccountSecret } from './account-secret.js';
import type { SecretSeal } from './secret-seal.js';

/** How a new account differs from one without limits. */
export interface NewAccount {
  readonly name: string;
  /** Most bytes of share data over all servers. */
  readonly quota?: number | undefined;
  /** Milliseconds that its leases last; as each server is configured where not given. */
  readonly leaseDuration?: number | undefined;
  /** Whether what it stores is leased to those who have leases on a file's other shares. */
  readonly repairer?: boolean;
}

/** What an account book needs. */
export interface AccountBookOptions {
  readonly database: Database;
  /** Key of the storage server in whose folder the book's key is. */
  readonly keeper: number;
  readonly seal: SecretSeal;
  readonly logger: Logger;
}

interface Registration {
  readonly server: number;
  readonly hash: Buffer;
  readonly account: number;
}

const registrationsAtOnce = 1_000;

/**
 * The accounts whose secrets one storage server keeps: in `storage.sealed_secrets`, sealed with a key of its folder.
 * From them it registers each account at every server of the database. A registration is the hash of a credential, so
 * Postgres alone lets nobody in anywhere.
 */
export class AccountBook {
  readonly #options: AccountBookOptions;

  constructor(options: AccountBookOptions) {
    this.#options = options;
  }

  /**
   * Makes an account, and registers it at all servers there are.
   *
   * @throws AccountError `bad-name`, `name-taken`
   */
  async create({ name, quota, leaseDuration, repairer = false }: NewAccount): Promise<void> {
    const { database, keeper, seal } = this.#options;
    checkAccountName(name);
    await database.transaction(async (client) => {
      const { rows } = await client.query<{ key: number }>(
        `insert into storage.accounts (name, quota, lease_seconds, repairer) values ($1, $2, $3, $4)
         on conflict (name) do nothing returning key`,
        [
          name,
          quota ?? null,
          leaseDuration === undefined ? null : Math.round(leaseDuration / 1000),
          repairer,
        ],
      );
      const account = rows[0]?.key;
      if (account === undefined) {
        throw new AccountError('name-taken', name, `there is an account ${name} already`);
      }
      const secret = newAccountSecret();
      await client.query('insert into storage.sealed_secrets (account, keeper, sealed) values ($1, $2, $3)', [
        account,
        keeper,
        seal.seal(secret, { key: account, name }),
      ]);
      const servers = await client.query<{ key: number; server_id: string }>(
        'select key, server_id from storage.servers',
      );
      await insertRegistrations(
        client,
        servers.rows.map(({ key, server_id }) => registration(key, server_id, account, secret)),
      );
    });
  }

  /**
   * The secret of an account of this book.
   *
   * @throws AccountError `no-such-account`, `no-secret`, `not-keeper`, `unreadable-secret`
   */
  async secretOf(name: string): Promise<Buffer> {
    const { database, keeper, seal } = this.#options;
    const { rows } = await database.pool.query<{
      key: number;
      keeper: number | null;
      sealed: Buffer | null;
      keeper_id: string;
      keeper_name: string;
    }>(
      `select a.key, b.keeper, b.sealed, s.server_id as keeper_id,
              coalesce(s.description->>'nickname', 'a server') as keeper_name
         from storage.accounts as a
         left join storage.sealed_secrets as b on b.account = a.key
         left join storage.servers as s on s.key = b.keeper
        where a.name = $1`,
      [name],
    );
    const row = rows[0];
    if (!row) throw new AccountError('no-such-account', name, `there is no account ${name}`);
    if (!row.sealed) {
      throw new AccountError('no-secret', name, `the account ${name} has no secret in any account book`);
    }
    if (row.keeper !== keeper) {
      throw new AccountError(
        'not-keeper',
        name,
        `the secret of account ${name} is not in this folder's account book: give the folder of ${row.keeper_name} (${row.keeper_id})`,
      );
    }
    return seal.open(row.sealed, { key: row.key, name });
  }

  /**
   * Registers the accounts of this book wherever they are missing: at servers that came later.
   *
   * @returns how many registrations were missing
   */
  async register(): Promise<number> {
    const { database, keeper, seal, logger } = this.#options;
    let added = 0;
    let last = { account: 0, server: 0 };
    for (;;) {
      const { rows } = await database.pool.query<MissingRow>(
        `select b.account, a.name, b.sealed, s.key as server, s.server_id
           from storage.sealed_secrets as b
           join storage.accounts as a on a.key = b.account
          cross join storage.servers as s
          where b.keeper = $1 and (b.account, s.key) > ($2, $3)
            and not exists (select from storage.credentials as c
                             where c.server = s.key and c.account = b.account)
          order by b.account, s.key limit $4`,
        [keeper, last.account, last.server, registrationsAtOnce],
      );
      const missing: Registration[] = [];
      for (const row of rows) {
        try {
          const secret = seal.open(row.sealed, { key: row.account, name: row.name });
          missing.push(registration(row.server, row.server_id, row.account, secret));
        } catch (error) {
          // One that cannot be opened must not keep the others out.
          logger.error({ error: (error as Error).message }, 'an account cannot be registered');
        }
      }
      if (missing.length > 0) added += await insertRegistrations(database.pool, missing);
      last = rows.at(-1) ?? last;
      if (rows.length < registrationsAtOnce) return added;
    }
  }
}

interface MissingRow {
  readonly account: number;
  readonly name: string;
  readonly sealed: Buffer;
  readonly server: number;
  readonly server_id: string;
}

function registration(server: number, serverId: string, account: number, secret: Buffer): Registration {
  return { server, account, hash: credentialHash(Buffer.from(deriveCredential(secret, serverId))) };
}

async function insertRegistrations(
  client: Pick<pg.ClientBase, 'query'>,
  registrations: readonly Registration[],
): Promise<number> {
  const { rowCount } = await client.query(
    `insert into storage.credentials (server, credential_hash, account)
     select * from unnest($1::int[], $2::bytea[], $3::int[]) on conflict do nothing`,
    [
      registrations.map(({ server }) => server),
      registrations.map(({ hash }) => hash),
      registrations.map(({ account }) => account),
    ],
  );
  return rowCount ?? 0;
}
