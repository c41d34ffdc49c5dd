import { randomBytes } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { databaseUrl, Lab, type TemporaryFolder, temporaryFolder, waitFor } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdfast } from '../testing/run-holdfast.js';

interface ServerStatus {
  readonly nickname: string;
  readonly state: string;
  readonly source: string;
  readonly leaving: boolean;
  readonly upload_permitted: boolean;
}

const minutes = 60_000;

describe('holdfast storage drain, of one of six servers', () => {
  const shares = { required: 2, happy: 4, total: 5 };
  let lab: Lab;
  let folder: TemporaryFolder;
  let database: Database;
  const files = new Map<string, Buffer>();

  const drain = (...args: string[]) => holdfast(['storage', 'drain', 's3', ...args, '--dir', lab.dir]);

  const servers = async () => {
    const answer = await fetch(new URL('/?t=json', lab.broker));
    return ((await answer.json()) as { servers: ServerStatus[] }).servers;
  };

  const store = async (bytes: number) => {
    const content = randomBytes(bytes);
    const answer = await fetch(new URL('/uri', lab.broker), { method: 'PUT', body: content });
    const capability = (await answer.text()).trim();
    expect(answer.status, capability).toBeLessThan(300);
    files.set(capability, content);
  };

  /** How many shares there are at a server, by who has a lease on them. */
  const held = async (nickname: string) =>
    (
      await database.pool.query<{ account: string; shares: number }>(
        `select a.name as account, count(*)::int as shares
           from storage.leases as l join storage.accounts as a on a.key = l.account
           join storage.servers as s on s.key = l.server
          where s.description->>'nickname' = $1 group by 1 order by 1`,
        [nickname],
      )
    ).rows;

  beforeAll(async () => {
    lab = await Lab.up({ storage: 6, repairers: 2, shares });
    folder = await temporaryFolder('drain');
    const { nodes } = JSON.parse(await readFile(join(lab.dir, 'plan.json'), 'utf8')) as {
      nodes: { role: string; database: string }[];
    };
    const name = nodes.find(({ role }) => role === 'storage')?.database ?? '';
    database = openPool({
      url: databaseUrl(lab.description.postgres, name),
      applicationName: 'test',
      logger: silentLogger(),
      connections: 1,
    });
    // A customer with an account of its own stores through the broker.
    for (const args of [
      ['create', 'alice'],
      ['grant', 'alice', '--out', folder.path],
    ])
      expect(await holdfast(['account', ...args, '--dir', lab.dir])).toMatchObject({ status: 0, stderr: '' });
    await copyFile(join(folder.path, 'connections.yaml'), join(lab.dir, 'broker1', 'connections.yaml'));
    await waitFor(
      'the broker uses the account',
      async () => {
        const known = await servers();
        const ready = known.filter(
          ({ state, source }) => state === 'connected' && source === 'connections.yaml',
        );
        return ready.length === 6 || undefined;
      },
      { timeoutMs: minutes },
    );
    await Promise.all([...Array.from({ length: 15 }, () => store(10_000)), store(3_000_000)]);
  }, 5 * minutes);
  afterAll(async () => {
    await database?.close();
    await lab?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  it('says what it does not know', async () => {
    const { status, stderr } = await holdfast(['storage', 'drain', 's9', '--dir', lab.dir]);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(
        /this database has no storage server s9: expected a server id, v0-…, or a nickname/,
      ),
    });
    expect(await drain('--status')).toMatchObject({ status: 0, stdout: expect.stringContaining('stays') });
    expect((await drain('--status', '--cancel')).status).toBe(2);
  });

  it(
    'empties it: every file is healthy without it, and the shares are the customer’s',
    async () => {
      const before = (await held('s3'))[0]?.shares ?? 0;
      expect(before).toBeGreaterThan(0);
      expect(await drain()).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('It has not looked yet'),
        stderr: '',
      });
      await waitFor(
        'the broker knows of it',
        async () =>
          (await servers()).some(({ leaving, upload_permitted }) => leaving && !upload_permitted) ||
          undefined,
      );
      await store(10_000);
      expect(await held('s3')).toEqual([{ account: 'alice', shares: before }]);

      const watched = await drain('--watch');
      expect(watched).toMatchObject({ status: 0, stderr: '' });
      expect(watched.stdout).toMatch(
        /All of its \d+ immutable files, in \d+ shares, are safe elsewhere\.\n.*can be taken away\.\n$/,
      );
      expect(JSON.parse((await drain('--status', '--json')).stdout)).toMatchObject({
        nickname: 's3',
        emptied: true,
        problem: null,
        progress: { shares: before, safeShares: before, failedFiles: 0, waitingFiles: 0, mutableShares: 0 },
      });
      // What it has stays there, for whoever still reads from it.
      expect(await held('s3')).toEqual([{ account: 'alice', shares: before }]);

      await lab.stop('s3');
      for (const [capability, content] of files) {
        const path = `/uri/${encodeURIComponent(capability)}`;
        const check = await fetch(new URL(`${path}?t=check&verify=true&output=json`, lab.broker), {
          method: 'POST',
        });
        const { results } = (await check.json()) as {
          results: { healthy: boolean; 'count-shares-good': number };
        };
        expect(results).toMatchObject({ healthy: true, 'count-shares-good': shares.total });
        const read = await fetch(new URL(path, lab.broker));
        expect(Buffer.from(await read.arrayBuffer()).equals(content)).toBe(true);
      }
      const holders = await database.pool.query<{ account: string }>(
        `select coalesce(a.name, 'nobody') as account
         from storage.shares left join storage.leases as l using (server, storage_index, share_number)
         left join storage.accounts as a on a.key = l.account group by 1`,
      );
      expect(holders.rows).toEqual([{ account: 'alice' }]);
    },
    5 * minutes,
  );

  it(
    'lets it stay after all',
    async () => {
      expect(await drain('--cancel')).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/stays: it takes new shares\.\n$/),
      });
      await lab.start('s3');
      await waitFor(
        'it is there, and stays',
        async () => {
          const [s3] = (await servers()).filter(({ nickname }) => nickname === 's3');
          return (s3?.state === 'connected' && s3.upload_permitted) || undefined;
        },
        { timeoutMs: minutes },
      );
      const before = (await held('s3'))[0]?.shares ?? 0;
      await Promise.all(Array.from({ length: 10 }, () => store(1_000)));
      expect((await held('s3'))[0]?.shares).toBeGreaterThan(before);
    },
    2 * minutes,
  );
});
