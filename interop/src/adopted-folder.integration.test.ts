import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  createTestDatabase,
  freePort,
  holdfastProgram,
  startGuarded,
  temporaryFolder,
  untilReady,
} from '@holdfast/lab';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { findTahoe } from './available.js';
import { RunningThings } from './running-things.js';
import { TahoeNode } from './tahoe-node.js';
import { WebApi } from './web-api.js';

const tahoe = await findTahoe();
const encoding = { required: 1, happy: 1, total: 1 };
const convergence = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaq';

function content(name: string, size: number): Buffer {
  return createHash('shake256', { outputLength: size }).update(name).digest();
}

/** Every share in a folder, by its path below it. */
async function sharesIn(folder: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /^..\/.{26}\/\d+$/.test(name));
  return new Map(
    await Promise.all(names.sort().map(async (name) => [name, await readFile(join(folder, name))] as const)),
  );
}

describe.skipIf('missing' in tahoe)('a storage folder that Tahoe-LAFS filled', () => {
  const program = 'program' in tahoe ? tahoe.program : '';

  it('is served, added to, and can be had back', async () => {
    await using everything = new RunningThings();
    const folder = everything.add(await temporaryFolder('adopted')).path;
    const files = { immutable: content('immutable', 50_000), added: content('added', 60_000) };

    const theirs = await TahoeNode.storage(program, join(folder, 'tahoe'), 'tahoe');
    const [id, announcement] = await theirs.announcement();
    const client = await TahoeNode.client(
      program,
      join(folder, 'client'),
      { [id]: announcement },
      { encoding, convergence },
    );
    const filling = new WebApi(await client.gateway());
    const immutable = await filling.put(files.immutable);
    const mutable = await filling.putMutable(files.immutable, 'sdmf');
    await client[Symbol.asyncDispose]();
    await theirs[Symbol.asyncDispose]();
    const shares = join(folder, 'tahoe', 'storage', 'shares');
    const before = await sharesIn(shares);
    expect(before.size).toBe(2);

    // A node of ours, with the certificate and the address secret of the old one, so that clients go on as before.
    const dir = join(folder, 'ours');
    const database = everything.add(await createTestDatabase());
    const [port, operator] = [
      Number(/:(\d+)\//.exec(announcement['anonymous-storage-NURLs'][0] ?? '')?.[1]),
      await freePort(),
    ];
    await promisify(execFile)(process.execPath, [
      ...[
        holdfastProgram,
        'init',
        'storage',
        dir,
        '--postgres',
        database.url,
        '--nats',
        'nats://127.0.0.1:9',
      ],
      ...['--listen', `127.0.0.1:${port}`, '--operator', `127.0.0.1:${operator}`],
    ]);
    const yaml = parse(await readFile(join(dir, 'node.yaml'), 'utf8'));
    await writeFile(
      join(dir, 'node.yaml'),
      stringify({ ...yaml, shares: { path: shares, reserved_space: 0 } }),
    );
    await cp(join(folder, 'tahoe', 'private', 'node.pem'), join(dir, 'private', 'node.pem'));
    const swissnum = announcement['anonymous-storage-FURL'].split('/').at(-1);
    await writeFile(join(dir, 'private', 'anonymous-credential'), `${swissnum}\n`);
    const server = await startGuarded({
      name: 'storage',
      command: process.execPath,
      args: [holdfastProgram, 'run', dir],
      log: join(dir, 'node.log'),
      stopSignal: 'SIGTERM',
    });
    everything.end(async () => void (await server.stop()));
    await untilReady('storage server', server, async () => {
      if (!(await fetch(`http://127.0.0.1:${operator}/readyz`)).ok) throw new Error('not ready');
    });
    const again = await TahoeNode.client(
      program,
      join(folder, 'again'),
      { [id]: announcement },
      { encoding, convergence },
    );
    const gateway = new WebApi(await again.gateway());
    expect(files.immutable.equals(await gateway.get(immutable))).toBe(true);
    expect(files.immutable.equals(await gateway.get(mutable))).toBe(true);
    await gateway.overwrite(mutable, files.added);
    const added = await gateway.put(files.added);
    await again[Symbol.asyncDispose]();
    expect((await server.stop()).code).toBe(0);
    const after = await sharesIn(shares);
    expect(after.size).toBe(3);
    expect([...after.keys()]).toEqual(expect.arrayContaining([...before.keys()]));

    // Back to Tahoe-LAFS, which looks at nothing of what we left there.
    const back = everything.add(await TahoeNode.again(program, join(folder, 'tahoe')));
    const [backId, backAnnouncement] = await back.announcement();
    const last = everything.add(
      await TahoeNode.client(
        program,
        join(folder, 'last'),
        { [backId]: backAnnouncement },
        { encoding, convergence },
      ),
    );
    const lastGateway = new WebApi(await last.gateway());
    expect(files.immutable.equals(await lastGateway.get(immutable))).toBe(true);
    expect(files.added.equals(await lastGateway.get(added))).toBe(true);
    expect(files.added.equals(await lastGateway.get(mutable))).toBe(true);
    await lastGateway.overwrite(mutable, files.immutable);
    expect(files.immutable.equals(await lastGateway.get(mutable))).toBe(true);
    expect([...(await sharesIn(shares)).keys()]).toEqual([...after.keys()]);
  }, 180_000);
});
