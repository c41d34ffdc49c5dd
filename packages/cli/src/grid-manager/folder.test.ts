import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signCertificate } from '@holdfast/common/grid-management';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GridManagerFolder } from './folder.js';

const serverId = `v0-${'a'.repeat(52)}`;

let root: string;
let dir: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-grid-manager-'));
  dir = join(root, 'manager');
  await GridManagerFolder.create(dir);
});
afterEach(() => rm(root, { recursive: true }));

const open = () => GridManagerFolder.open(dir);
const vouch = async (name: string) => {
  const folder = await open();
  return folder.keep(name, signCertificate({ serverId, expires: new Date() }, folder.signingKey));
};

describe('a grid manager’s folder', () => {
  it('is its owner’s alone', async () => {
    await (await open()).add('s1', `pub-${serverId}`);
    await vouch('s1');
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await readdir(dir)).sort()).toEqual(['config.json', 's1.cert.0']);
    for (const name of await readdir(dir))
      expect((await stat(join(dir, name))).mode & 0o777, name).toBe(0o600);
  });

  it('keeps key, servers and certificates', async () => {
    const { signingKey } = await open();
    await (await open()).add('s1', `pub-${serverId}`);
    expect([await vouch('s1'), await vouch('s1')]).toEqual([0, 1]);
    const again = await open();
    expect(again.signingKey.equals(signingKey)).toBe(true);
    expect(again.servers).toEqual(new Map([['s1', `pub-${serverId}`]]));
    expect((await again.certificatesOf('s1')).map(({ number }) => number)).toEqual([0, 1]);
  });

  it('forgets a server with its certificates, and none of another whose name begins alike', async () => {
    for (const name of ['s1', 's1.cert']) {
      await (await open()).add(name, `pub-${serverId}`);
      await vouch(name);
    }
    await (await open()).remove('s1');
    expect((await readdir(dir)).sort()).toEqual(['config.json', 's1.cert.cert.0']);
    expect([...(await open()).servers.keys()]).toEqual(['s1.cert']);
  });

  it('is never made where there is something', async () => {
    const before = await readFile(join(dir, 'config.json'), 'utf8');
    await expect(GridManagerFolder.create(dir)).rejects.toMatchObject({ code: 'exists' });
    expect(await readFile(join(dir, 'config.json'), 'utf8')).toBe(before);
  });

  it.each(['../s1', '/etc/s1', '.s1', '', 'a\nb'])('takes no server called %j', async (name) => {
    await expect((await open()).add(name, `pub-${serverId}`)).rejects.toMatchObject({ code: 'bad-name' });
  });

  it('has one server of a name', async () => {
    await (await open()).add('s1', `pub-${serverId}`);
    await expect((await open()).add('s1', `pub-${serverId}`)).rejects.toMatchObject({ code: 'name-taken' });
    await expect((await open()).remove('s2')).rejects.toMatchObject({ code: 'no-such-server' });
  });

  it.each([
    ['is not JSON', '{"private_key": "priv-v0-secret"'],
    ['is of another version', '{"grid_manager_config_version": 1, "private_key": "priv-v0-secret"}'],
    ['has no good key', '{"grid_manager_config_version": 0, "private_key": "priv-v0-secret"}'],
  ])('is not used where config.json %s, and no error shows the key', async (_what, text) => {
    await writeFile(join(dir, 'config.json'), text);
    const error: Error = await open().then(
      () => Promise.reject(new Error('it was used')),
      (reason) => reason,
    );
    expect(error).toMatchObject({ name: 'GridManagerError', code: 'unreadable' });
    expect(error.message).toContain(join(dir, 'config.json'));
    expect(error.message).not.toContain('secret');
  });
});
