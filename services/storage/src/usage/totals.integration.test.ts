import { setTimeout as delay } from 'node:timers/promises';
import { openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { blockedStatement } from '@holdfast/lab';
import fc from 'fast-check';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whileDatabaseReturns } from '../records/database-errors.js';
import { LeaseRecords } from '../records/lease-records.js';
import { ShareRecords } from '../records/share-records.js';
import { recordFoundShares } from '../recovery/record-found-shares.js';
import { type TestRecords, testRecords } from '../testing/test-records.js';
import { recountTotals } from './recount.js';

let records: TestRecords;
let accounts: number[];
beforeAll(async () => {
  records = await testRecords();
  accounts = [1, await records.account('alice'), await records.account('bob')];
});
afterAll(() => records?.[Symbol.asyncDispose]());

const month = 31 * 86_400_000;
const starter = 2;

/** What happens to shares: `file`, `share` and `account` are indexes into small sets, so that things meet. */
type Step =
  | { readonly kind: 'promise'; file: number; share: number; account: number; size: number }
  | { readonly kind: 'close'; file: number; share: number; account: number; size: number }
  | { readonly kind: 'adopt'; file: number; share: number; size: number }
  | { readonly kind: 'forget'; file: number; share: number }
  | { readonly kind: 'renew'; file: number; account: number }
  | { readonly kind: 'begin'; file: number; share: number; account: number };

const file = fc.nat(3);
const share = fc.nat(2);
const account = fc.nat(2);
const size = fc.constantFrom(0, 1, 1000, 3_000_000_000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('promise', 'close'), file, share, account, size }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('adopt'), file, share, size }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget'), file, share }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew'), file, account }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('begin'), file, share, account }) },
) as fc.Arbitrary<Step>;

interface Totals {
  bytes: number;
  shares: number;
  promised: number;
}

/** What the records are to hold, in the plainest words. */
class Model {
  readonly shares = new Map<
    string,
    { state: 'coming' | 'stable'; size: number; uploader: number | undefined; leases: Set<number> }
  >();

  apply(step: Step): void {
    if (step.kind === 'renew') return;
    const key = `${step.file}/${step.share}`;
    const known = this.shares.get(key);
    switch (step.kind) {
      case 'promise': {
        const uploader = accounts[step.account];
        if (known && known.size !== step.size && (known.state === 'stable' || known.leases.size > 0)) return;
        this.shares.set(key, {
          state: 'coming',
          size: step.size,
          uploader,
          leases: known?.leases ?? new Set(),
        });
        return;
      }
      case 'close': {
        const uploader = accounts[step.account] as number;
        const closed = known ?? { size: step.size, uploader, leases: new Set<number>() };
        this.shares.set(key, { ...closed, state: 'stable', leases: closed.leases.add(uploader) });
        return;
      }
      case 'adopt':
        if (known?.state === 'stable') return;
        this.shares.set(key, {
          state: 'stable',
          size: step.size,
          uploader: known?.uploader,
          leases: (known?.leases ?? new Set()).add(known?.uploader ?? starter),
        });
        return;
      case 'forget':
        if (known?.state !== 'coming') return;
        if (known.leases.size > 0) known.state = 'stable';
        else this.shares.delete(key);
        return;
      case 'begin':
        if (known?.state === 'stable') known.leases.add(accounts[step.account] as number);
    }
  }

  totals(): Map<number, Totals> {
    const totals = new Map<number, Totals>();
    const of = (account: number) => {
      const total = totals.get(account) ?? { bytes: 0, shares: 0, promised: 0 };
      totals.set(account, total);
      return total;
    };
    for (const { state, size, uploader, leases } of this.shares.values()) {
      for (const account of leases) {
        of(account).bytes += size;
        of(account).shares += 1;
      }
      if (state === 'coming' && uploader !== undefined) of(uploader).promised += size;
    }
    return totals;
  }
}

class System {
  readonly #shares: ShareRecords;
  readonly #leases: LeaseRecords;
  readonly #server: number;
  constructor(server: number) {
    this.#server = server;
    this.#shares = new ShareRecords(records.database, server, month);
    this.#leases = new LeaseRecords(records.database, server, month);
  }

  async apply(step: Step): Promise<void> {
    const storageIndex = Buffer.alloc(16, step.file);
    if (step.kind === 'renew')
      return void (await this.#leases.renew(storageIndex, accounts[step.account] as number));
    const share = { storageIndex, shareNumber: step.share };
    switch (step.kind) {
      case 'promise':
      case 'close': {
        const upload = { ...share, size: step.size, account: accounts[step.account] as number };
        return void (await (step.kind === 'close'
          ? this.#shares.close(upload)
          : this.#shares.promise([upload])));
      }
      case 'adopt':
        return whileDatabaseReturns(() =>
          records.database.transaction((client) => this.applyWithin(client, step)),
        );
      case 'forget':
        return this.#shares.forget(share);
      case 'begin':
        await this.#leases.begin([{ ...share, account: accounts[step.account] as number }]);
    }
  }

  /** The same within a transaction. */
  async applyWithin(
    client: PoolClient,
    step: Extract<Step, { readonly kind: 'adopt' | 'promise' }>,
  ): Promise<void> {
    const share = { storageIndex: Buffer.alloc(16, step.file), shareNumber: step.share, size: step.size };
    if (step.kind === 'adopt')
      await recordFoundShares(client, { server: this.#server, leaseSeconds: month / 1000 }, [
        { ...share, kind: 'immutable', holders: [] },
      ]);
    else await this.#shares.promiseWithin(client, [{ ...share, account: accounts[step.account] as number }]);
  }
}

let servers = 0;
const newServer = () => records.server(`v0-${servers++}`);

async function keptTotals(server: number): Promise<Map<number, Totals>> {
  const rows = await records.sql<Totals & { account: number }>(
    `select account, bytes, shares, promised from storage.usage_totals
      where server = $1 and (bytes <> 0 or shares <> 0 or promised <> 0)`,
    [server],
  );
  return new Map(rows.map(({ account, ...totals }) => [account, totals]));
}

function withoutEmpty(totals: Map<number, Totals>): Map<number, Totals> {
  return new Map(
    [...totals].filter(([, { bytes, shares, promised }]) => bytes !== 0 || shares !== 0 || promised !== 0),
  );
}

describe('the totals of usage', () => {
  it('are those of a plain model, whatever happens to shares and leases, also when it is done twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ step, twice: fc.boolean() }), { maxLength: 40 }),
        async (steps) => {
          const server = await newServer();
          const system = new System(server);
          const model = new Model();
          for (const { step, twice } of steps) {
            model.apply(step);
            await system.apply(step);
            if (twice) {
              model.apply(step);
              await system.apply(step);
            }
          }
          expect(await keptTotals(server)).toEqual(withoutEmpty(model.totals()));
          expect(await recountTotals(records.database, server)).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('equal the sums over the rows when everything happens at the same time, from two pools of statements', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
        const server = await newServer();
        const systems = [new System(server), new System(server)];
        // A server has one upload of a share at a time; all else meets freely.
        const uploads = new Map<string, Promise<void>>();
        await Promise.all(
          steps.map(async (step, index) => {
            const apply = () => (systems[index % 2] as System).apply(step);
            await delay(index % 7);
            if (step.kind !== 'promise' && step.kind !== 'close') return apply();
            const key = `${step.file}/${step.share}`;
            const upload = (uploads.get(key) ?? Promise.resolve()).then(apply);
            uploads.set(key, upload);
            return upload;
          }),
        );
        expect(await recountTotals(records.database, server)).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it.each<Step>([
    { kind: 'adopt', file: 0, share: 0, size: 50 },
    { kind: 'forget', file: 0, share: 0 },
    { kind: 'promise', file: 0, share: 0, account: 2, size: 50 },
  ])(
    'are right where a share becomes stable and is coming again while $kind waits for its row',
    async (step) => {
      const server = await newServer();
      const system = new System(server);
      const promised = { file: 0, share: 0, account: 1, size: 1000 };
      await system.apply({ kind: 'promise', ...promised });
      let applying: Promise<void> | undefined;
      await records.database.transaction(async (client) => {
        await client.query('select from storage.shares where server = $1 for update', [server]);
        applying = system.apply(step);
        await blockedStatement(client);
        await system.applyWithin(client, { kind: 'adopt', ...promised });
        await system.applyWithin(client, { kind: 'promise', ...promised });
      });
      await applying;
      expect(await recountTotals(records.database, server)).toEqual([]);
      const [, alice] = accounts as [number, number];
      // The lease that the share got meanwhile is one on a share that is there.
      expect((await keptTotals(server)).get(alice)?.shares).toBe(1);
    },
  );

  it('equal them also when connections break under statements, which are then run again', async () => {
    const server = await newServer();
    const breaker = openPool({
      url: records.url,
      applicationName: 'breaker',
      logger: silentLogger(),
      connections: 1,
    });
    let over = false;
    let broken = 0;
    const breaking = (async () => {
      while (!over) {
        const { rowCount } = await breaker.pool.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name = 'holdfast test' and state = 'active' limit 1`,
        );
        broken += rowCount ?? 0;
        await delay(Math.random() * 40);
      }
    })();
    const system = new System(server);
    const stored = [0, 0, 0];
    const uploaders = [0, 1, 2].map(async (account) => {
      for (let share = 0; share < 40 || broken < 10; share++) {
        const upload = { file: account, share, account, size: 1000 + share };
        await system.apply({ kind: 'promise', ...upload });
        const kept = share % 4 !== 3;
        await system.apply({ kind: kept ? 'close' : 'forget', ...upload });
        if (kept) stored[account] = (stored[account] as number) + 1;
        await system.apply({ kind: 'begin', ...upload, account: (account + 1) % 3 });
        await system.apply({ kind: 'renew', ...upload });
      }
    });
    try {
      await Promise.all(uploaders);
    } finally {
      over = true;
      await breaking;
      await breaker.close();
    }
    expect(await recountTotals(records.database, server)).toEqual([]);
    const kept = await keptTotals(server);
    // Each has its own, and a lease on each of another's.
    expect(accounts.map((account) => kept.get(account)?.shares)).toEqual(
      stored.map((own, index) => own + (stored[(index + 2) % 3] as number)),
    );
    expect([...kept.values()].map(({ promised }) => promised)).toEqual([0, 0, 0]);
  });

  it('are put right by a recount, which says what was wrong', async () => {
    const server = await newServer();
    const system = new System(server);
    await system.apply({ kind: 'close', file: 0, share: 0, account: 1, size: 1000 });
    await system.apply({ kind: 'promise', file: 1, share: 0, account: 2, size: 50 });
    const [, alice, bob] = accounts as [number, number, number];
    await records.sql(
      'update storage.usage_totals set bytes = bytes + 7, shares = 3 where server = $1 and account = $2',
      [server, alice],
    );
    await records.sql('delete from storage.usage_totals where server = $1 and account = $2', [server, bob]);
    expect(await recountTotals(records.database, server)).toEqual([
      { account: alice, bytes: 7, shares: 2, promised: 0 },
      { account: bob, bytes: 0, shares: 0, promised: -50 },
    ]);
    expect(await keptTotals(server)).toEqual(
      new Map([
        [alice, { bytes: 1000, shares: 1, promised: 0 }],
        [bob, { bytes: 0, shares: 0, promised: 50 }],
      ]),
    );
    expect(await recountTotals(records.database, server)).toEqual([]);
  });

  it('are counted however long that takes: a server must not be kept from starting', async () => {
    const server = await newServer();
    const url = new URL(records.url);
    url.searchParams.set('statement_timeout', '3000');
    url.searchParams.set('query_timeout', '3000');
    const logger = silentLogger();
    const hasty = openPool({ url: url.toString(), applicationName: 'hasty', logger, connections: 1 });
    await expect(hasty.pool.query('select pg_sleep(5)')).rejects.toThrow(/timeout/);
    await records.database.pool.query(
      'insert into storage.usage_totals (server, account) values ($1, 1) on conflict do nothing',
      [server],
    );
    const holding = records.database.transaction(async (client) => {
      await client.query('select from storage.usage_totals where server = $1 for update', [server]);
      await delay(5_000);
    });
    await delay(200);
    expect(await recountTotals(hasty, server)).toEqual([]);
    await holding;
    await hasty.close();
  });
});
