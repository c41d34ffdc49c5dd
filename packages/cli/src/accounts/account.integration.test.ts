import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bus } from '@holdfast/common/bus';
import { parseYamlConfiguration } from '@holdfast/common/configuration';
import { silentLogger } from '@holdfast/common/logging';
import { createTestDatabase, Lab, type TemporaryFolder, temporaryFolder, waitFor } from '@holdfast/lab';
import { connectionsConfiguration } from '@holdfast/membership';
import { accountSubjects } from '@holdfast/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { holdfast } from '../testing/run-holdfast.js';

interface TahoeServers {
  storage: Record<string, { ann: { 'anonymous-storage-NURLs': string[]; 'anonymous-storage-FURL': string } }>;
}

describe('holdfast account', () => {
  let lab: Lab;
  let folder: TemporaryFolder;

  beforeAll(async () => {
    lab = await Lab.up({ storage: 2, shares: { required: 1, happy: 2, total: 2 } });
    folder = await temporaryFolder('grants');
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const account = (...args: string[]) => holdfast(['account', ...args, '--dir', lab.dir]);
  const asJson = async (...args: string[]) => {
    const { status, stdout, stderr } = await account(...args, '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const refused = async (...args: string[]) => {
    const { status, stdout, stderr } = await account(...args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
    return stderr;
  };

  it('makes, shows and changes an account', async () => {
    expect(await account('create', 'alice', '--quota', '100GB', '--lease-duration', '60d')).toEqual({
      status: 0,
      stdout: 'Made the account alice.\n',
      stderr: '',
    });
    expect(await asJson('show', 'alice')).toMatchObject({
      name: 'alice',
      state: 'active',
      quota: 100_000_000_000,
      leaseSeconds: 5_184_000,
      keeper: 's1',
      bytes: 0,
      servers: [
        { nickname: 's1', registered: true },
        { nickname: 's2', registered: true },
      ],
    });
    expect(await asJson('quota', 'alice', '1.5TiB')).toMatchObject({ quota: 1.5 * 2 ** 40 });
    expect(await asJson('quota', 'alice', 'none')).toMatchObject({ quota: null });
    expect(await asJson('freeze', 'alice')).toMatchObject({ state: 'frozen' });
    expect(await asJson('unfreeze', 'alice')).toMatchObject({ state: 'active' });
    expect(await asJson('revoke', 'alice')).toMatchObject({ state: 'revoked' });
    expect((await account('list')).stdout).toMatch(/^alice +revoked +none +0 B +0 +0 B +60 days$/m);
    expect((await account('unfreeze', 'alice')).stdout).toBe('The account alice is active.\n');
    const listed = (await asJson('list')) as unknown as { name: string }[];
    expect(listed.map(({ name }) => name)).toEqual(['alice', 'anonymous', 'starter']);
    const shown = (await account('show', 'alice')).stdout;
    expect(shown).toMatch(/^secret +in the account book of s1$/m);
    expect(shown).toMatch(/^ {2}s2 +v0-[a-z2-7]{52} +0 B in 0 shares, 0 B promised$/m);
  });

  it.each([
    [
      'a quota',
      ['quota', 'anonymous', '9100TB'],
      /^holdfast: 9100TB: expected a size .*, of less than 9007TB\n$/,
    ],
    [
      'a lease duration',
      ['create', 'eternal', '--lease-duration', '200000000d'],
      /^holdfast: 200000000d: expected a duration .*, of at most 100 years\n$/,
    ],
  ])('refuses %s that is too large to be kept', async (_, args, words) => {
    const { status, stdout, stderr } = await account(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(words);
  });

  it('sets how long leases last for all servers at once', async () => {
    const leaseDuration = (...args: string[]) =>
      holdfast(['storage', 'lease-duration', ...args, '--dir', lab.dir]);
    expect((await leaseDuration()).stdout).toContain('as each server is configured, at this one 31 days');
    const set = await leaseDuration('60d', '--json');
    expect(JSON.parse(set.stdout)).toEqual({ leaseSeconds: 5_184_000, configuredHere: 2_678_400 });
    expect((await leaseDuration()).stdout).toContain('60 days at all servers');
    expect((await leaseDuration('60')).status).toBe(2);
    expect((await leaseDuration('200000d')).status).toBe(2);
    expect((await leaseDuration('none')).stdout).toContain('as each server is configured');
  });

  it('says on the bus that something changed, and nothing more', async () => {
    const { grid } = parse(await readFile(join(lab.dir, 's1', 'node.yaml'), 'utf8')) as { grid: string };
    const bus = new Bus({ ...lab.bus, name: 'test', logger: silentLogger() });
    try {
      await waitFor('the bus', () => bus.connected || undefined);
      const heard: unknown[] = [];
      bus.subscribe(accountSubjects(grid).changed, (value) => void heard.push(value));
      await account('create', 'loud');
      await waitFor('a word', () => heard.length > 0 || undefined);
      expect(heard[0]).toEqual({});
    } finally {
      await bus.close();
    }
  });

  it('grants an account in two files for the customer alone, and overwrites neither', async () => {
    await account('create', 'customer');
    const out = join(folder.path, 'customer');
    const granted = await asJson('grant', 'customer', '--out', out);
    const files = ['connections.yaml', 'servers.yaml'].map((name) => join(out, name));
    const ids = lab.description.storage.map(({ id }) => id);
    expect(granted).toMatchObject({ account: 'customer', files, leftOut: [] });
    expect((granted['servers'] as { serverId: string }[]).map(({ serverId }) => serverId).sort()).toEqual(
      [...ids].sort(),
    );
    for (const path of [...files, out]) expect((await stat(path)).mode & 0o077).toBe(0);
    const [connections = '', servers = ''] = await Promise.all(files.map((path) => readFile(path, 'utf8')));

    const { storage } = parse(servers) as TahoeServers;
    const clauses = parseYamlConfiguration('connections.yaml', connections, connectionsConfiguration).servers;
    expect(Object.keys(clauses).sort()).toEqual([...ids].sort());
    for (const { id, nurl } of lab.description.storage) {
      const [own = ''] = storage[id]?.ann['anonymous-storage-NURLs'] ?? [];
      const [place, credential] = [own.replace(/[^/]*$/, ''), own.replace(/^.*\//, '')];
      expect(place).toBe(nurl.replace(/[^/]*$/, ''));
      expect(nurl).not.toContain(credential);
      expect(clauses[id]?.server_options).toMatchObject({ key_s: id, announcement: storage[id]?.ann ?? {} });
      // Nothing that the command shows lets anybody in.
      expect(JSON.stringify(granted)).not.toContain(credential.replace('#v=1', ''));
    }

    expect(await refused('grant', 'customer', '--out', out)).toContain(`${files[0]} exists already`);
    const half = await temporaryFolder('half');
    await writeFile(join(half.path, 'servers.yaml'), 'mine');
    expect(await refused('grant', 'customer', '--out', half.path)).toContain('servers.yaml exists already');
    expect(await readdir(half.path)).toEqual(['servers.yaml']);
    await half[Symbol.asyncDispose]();
  });

  it('says in one line what cannot be done', async () => {
    await account('create', 'kept');
    expect(await refused('show', 'nobody')).toContain('there is no account nobody');
    expect(await refused('create', 'kept')).toContain('there is an account kept already');
    expect(await refused('create', 'a b')).toContain('"a b" cannot name an account');
    expect(await refused('revoke', 'starter')).toContain('the account starter cannot be changed');
    expect(await refused('grant', 'anonymous', '--out', join(folder.path, 'x'))).toContain('has no secret');
    const elsewhere = ['account', 'grant', 'kept', '--out', join(folder.path, 'y'), '--dir'];
    const { status, stderr } = await holdfast([...elsewhere, join(lab.dir, 's2')]);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/not in this folder's account book: give the folder of s1 \(v0-/),
    });
    expect((await holdfast([...elsewhere, join(lab.dir, 'broker1')])).stderr).toContain(
      'is the folder of a broker',
    );
    await expect(readdir(join(folder.path, 'y'))).rejects.toThrow('ENOENT');
  });
});

describe('holdfast account, of a server that never ran and without a bus', () => {
  it('makes accounts, and says who learns of it when', async () => {
    await using database = await createTestDatabase();
    await using folder = await temporaryFolder('never-ran');
    const dir = join(folder.path, 's1');
    const urls = ['--postgres', database.url, '--nats', 'nats://127.0.0.1:9'];
    expect((await holdfast(['init', 'storage', dir, ...urls])).status).toBe(0);
    expect(await holdfast(['account', 'create', 'first', '--dir', dir])).toEqual({
      status: 0,
      stdout: 'Made the account first.\n',
      stderr: 'The bus cannot be reached: servers that run learn of it within a minute.\n',
    });
    const { stdout } = await holdfast(['account', 'show', 'first', '--dir', dir]);
    expect(stdout).toContain('(has not run yet)');
    const grant = ['account', 'grant', 'first', '--dir', dir, '--out', join(folder.path, 'out')];
    expect(await holdfast(grant)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('start one first'),
    });
  });
});
