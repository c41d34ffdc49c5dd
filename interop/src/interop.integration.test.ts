import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { holdfastProgram, Lab, temporaryFolder } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findTahoe } from './available.js';
import { RunningThings } from './running-things.js';
import { connectionsOf, startStaticBroker } from './static-broker.js';
import { type ServerAnnouncement, TahoeNode } from './tahoe-node.js';
import { WebApi } from './web-api.js';

const tahoe = await findTahoe();
if ('missing' in tahoe) process.stderr.write(`The interop tests are passed over: ${tahoe.missing}\n`);

const encoding = { required: 3, happy: 5, total: 10 };
/** 1 MiB rounded up to a multiple of k: what a segment is by default, in both. */
const segment = 1_048_578;

/** Sizes around everything that changes with the size, and some in between that differ from run to run no more than their seed. */
const sizes = [
  ...[0, 1, 54, 55, 56, 57, 1_000, 131_072],
  ...[-3, -2, -1, 0, 1].map((off) => segment + off),
  ...[-1, 0, 1].map((off) => 2 * segment + off),
  ...[1, 2, 3, 4].map(
    (seed) => createHash('sha256').update(`size ${seed}`).digest().readUInt32BE() % 20_000_000,
  ),
  20_000_000,
];

/** Content that is the same in every run. */
function content(name: string, size: number): Buffer {
  const block = createHash('shake256', { outputLength: Math.max(1, Math.min(size, 65_521)) })
    .update(name)
    .digest();
  return Buffer.alloc(size, block);
}

describe.skipIf('missing' in tahoe)('beside a real Tahoe-LAFS 1.20', { timeout: 180_000 }, () => {
  const program = 'program' in tahoe ? tahoe.program : '';
  const everything = new RunningThings();
  let folder: string;
  let lab: Lab;
  let ours: WebApi;
  let convergence: string;
  /** Its client, and its servers by id. */
  let theirServers: Record<string, ServerAnnouncement>;

  beforeAll(async () => {
    folder = everything.add(await temporaryFolder('interop')).path;
    lab = everything.add(await Lab.up({ storage: 5, shares: encoding }));
    ours = new WebApi(lab.broker);
    convergence = await readFile(join(lab.dir, 'broker1', 'private', 'convergence'), 'utf8');
    const nodes = await Promise.all(
      ['t1', 't2', 't3', 't4', 't5'].map(async (name) =>
        everything.add(await TahoeNode.storage(program, join(folder, name), name)),
      ),
    );
    theirServers = Object.fromEntries(await Promise.all(nodes.map((node) => node.announcement())));
  });
  afterAll(() => everything[Symbol.asyncDispose]());

  async function tahoeClient(name: string, servers: Record<string, ServerAnnouncement>) {
    return TahoeNode.client(program, join(folder, name), servers, { encoding, convergence });
  }

  async function exportedServers(): Promise<Record<string, ServerAnnouncement>> {
    const args = [holdfastProgram, 'announcements', 'export', '--dir', lab.dir, '--format', 'tahoe'];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { storage } = parse(stdout) as { storage: Record<string, { ann: ServerAnnouncement }> };
    return Object.fromEntries(Object.entries(storage).map(([id, { ann }]) => [id, ann]));
  }

  it('gives the capability that its gateway gives, for every size', async () => {
    await using client = await tahoeClient('same', theirServers);
    const theirs = new WebApi(await client.gateway());
    for (const size of sizes) {
      const file = content(`file ${size}`, size);
      expect([size, await ours.put(file)]).toEqual([size, await theirs.put(file)]);
    }
  });

  it('serves its client: it stores on our storage servers and reads from them', async () => {
    const servers = await exportedServers();
    expect(Object.keys(servers).sort()).toEqual(lab.description.storage.map(({ id }) => id).sort());
    await using client = await tahoeClient('guest', servers);
    const theirs = new WebApi(await client.gateway());
    for (const size of [56, 10_000, segment + 1, 5_000_000]) {
      const stored = content(`guest ${size}`, size);
      const capability = await theirs.put(stored);
      expect((await theirs.get(capability)).equals(stored)).toBe(true);
      expect((await ours.get(capability)).equals(stored)).toBe(true);
      const written = content(`host ${size}`, size);
      expect((await theirs.get(await ours.put(written))).equals(written)).toBe(true);
    }
  });

  it('serves its `tahoe` command, with two of our five servers gone', async () => {
    await using client = await tahoeClient('command', await exportedServers());
    const run = promisify(execFile);
    const file = content('by the command', 300_000);
    const capability = await ours.put(file);
    await lab.stop('s2');
    await lab.stop('s5');
    const { stdout } = await run(program, ['-d', client.dir, 'get', capability], {
      encoding: 'buffer',
      maxBuffer: 10_000_000,
    });
    expect(stdout.equals(file)).toBe(true);
    await Promise.all([lab.start('s2'), lab.start('s5')]);
    await lab.waitForServers(5);
  });

  it('lends us its storage servers: our broker reads what it wrote there, and it reads what we wrote', async () => {
    await using client = await tahoeClient('landlord', theirServers);
    const theirs = new WebApi(await client.gateway());
    await using broker = await startStaticBroker(join(folder, 'tenant'), connectionsOf(theirServers), {
      encoding,
      convergence,
    });
    const tenant = new WebApi(broker.url);
    for (const size of [56, 10_000, segment + 1, 5_000_000]) {
      const stored = content(`landlord ${size}`, size);
      expect((await tenant.get(await theirs.put(stored))).equals(stored)).toBe(true);
      const written = content(`tenant ${size}`, size);
      const capability = await tenant.put(written);
      expect((await theirs.get(capability)).equals(written)).toBe(true);
      expect((await tenant.get(capability)).equals(written)).toBe(true);
    }
  });
});
