import { mkdir, mkdtemp, open, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { NodeFolderExistsError } from './errors.js';
import { createNodeFolder } from './node-folder.js';
import { accessFiles, nodeYamlFields, urlWithPassword } from './node-settings.js';

const options = {
  nickname: 's1',
  grid: 'lab',
  postgres: 'postgres://holdfast:p%40ss%3Aword@127.0.0.1:5432/grid',
  bus: 'nats://user@127.0.0.1:4222',
  operator: '127.0.0.1:7101',
};

let root: string;
let dir: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-folder-'));
  dir = join(root, 'nodes', 's1');
});
afterEach(() => rm(root, { recursive: true }));

const mode = async (path: string) => (await stat(path)).mode & 0o777;
const make = () =>
  createNodeFolder(dir, {
    yaml: { 'node.yaml': nodeYamlFields('storage', options), 'connections.yaml': '# nothing yet\n' },
    private: { 'node.privkey': 'key\n', ...accessFiles(options) },
  });

/** Notes what is synced below `root`, and of the folder that the node's is in whether that is there by then. */
async function watchSyncs() {
  const handle = await open(root);
  const prototype = Object.getPrototypeOf(handle) as typeof handle;
  await handle.close();
  const { sync } = prototype;
  const paths: string[] = [];
  const watching = vi.spyOn(prototype, 'sync').mockImplementation(async function (this: typeof handle) {
    const path = await readlink(`/proc/self/fd/${this.fd}`);
    const there = path === dirname(dir) && (await readdir(path)).includes(basename(dir));
    await sync.call(this);
    paths.push(`${relative(root, path)}${there ? ` beside ${basename(dir)}` : ''}`);
  });
  return { paths, end: () => watching.mockRestore() };
}

describe('a node’s folder', () => {
  it('holds the settings for all to read, and private/ for its owner alone', async () => {
    await make();
    expect(parse(await readFile(join(dir, 'node.yaml'), 'utf8'))).toMatchObject({
      service: 'storage',
      nickname: 's1',
    });
    expect(await readFile(join(dir, 'connections.yaml'), 'utf8')).toBe('# nothing yet\n');
    expect(await mode(join(dir, 'private'))).toBe(0o700);
    expect((await readdir(join(dir, 'private'))).sort()).toEqual(['node.privkey', 'postgres.password']);
    for (const name of await readdir(join(dir, 'private')))
      expect(await mode(join(dir, 'private', name)), name).toBe(0o600);
  });

  it('has modes that the process’s umask cannot widen', async () => {
    const before = process.umask(0);
    try {
      await make();
    } finally {
      process.umask(before);
    }
    expect(await mode(join(dir, 'private'))).toBe(0o700);
    expect(await mode(join(dir, 'private', 'node.privkey'))).toBe(0o600);
  });

  it('is never made where there is something', async () => {
    await make();
    await expect(make()).rejects.toThrow(NodeFolderExistsError);
    expect(await readFile(join(dir, 'private', 'node.privkey'), 'utf8')).toBe('key\n');
    dir = join(root, 'file');
    await writeFile(dir, 'a file');
    await expect(make()).rejects.toMatchObject({ code: 'node-folder-exists', dir });
    expect(await readFile(dir, 'utf8')).toBe('a file');
    dir = join(root, 'empty');
    await mkdir(dir);
    await expect(make()).rejects.toThrow(
      `${dir} exists already; a node folder is made only where there is nothing yet`,
    );
  });

  it('appears whole or not at all', async () => {
    const broken = createNodeFolder(dir, { yaml: { 'no/such/folder': {} }, private: { key: 'k' } });
    await expect(broken).rejects.toThrow(/ENOENT/);
    expect(await readdir(join(root, 'nodes'))).toEqual([]);
  });

  it('is on the disk when it is made: its files before it appears, and then each folder that is new', async () => {
    const synced = await watchSyncs();
    dir = join(root, 'new', 'nodes', 's1');
    try {
      await make();
    } finally {
      synced.end();
    }
    const unfinished = `new/nodes/s1.new-${process.pid}`;
    const [before, after] = [synced.paths.slice(0, 6), synced.paths.slice(6)];
    expect(before.slice(0, 4).sort()).toEqual(
      ['connections.yaml', 'node.yaml', 'private/node.privkey', 'private/postgres.password'].map(
        (name) => `${unfinished}/${name}`,
      ),
    );
    expect(before.slice(4)).toEqual([`${unfinished}/private`, unfinished]);
    expect(after).toEqual(['new/nodes beside s1', 'new', '']);
  });

  it('has the password of a URL in private/ and nowhere else', async () => {
    await make();
    const settings = await readFile(join(dir, 'node.yaml'), 'utf8');
    expect(settings).not.toContain('ss%3Aword');
    expect(settings).not.toContain('p@ss:word');
    const { postgres, bus } = parse(settings) as Record<'postgres' | 'bus', string>;
    expect(postgres).toBe('postgres://holdfast@127.0.0.1:5432/grid');
    expect(bus).toBe(options.bus);
    const url = new URL(await urlWithPassword(dir, 'postgres', postgres));
    expect(decodeURIComponent(url.password)).toBe('p@ss:word');
    expect(`${url.username}@${url.host}${url.pathname}`).toBe('holdfast@127.0.0.1:5432/grid');
    // Without a file the URL is as it was configured.
    expect(await urlWithPassword(dir, 'bus', bus)).toBe(bus);
  });

  it('says when a password cannot be read, rather than go on without it', async () => {
    await make();
    await mkdir(join(dir, 'private', 'bus.password'));
    await expect(urlWithPassword(dir, 'bus', options.bus)).rejects.toThrow(/EISDIR/);
  });
});
