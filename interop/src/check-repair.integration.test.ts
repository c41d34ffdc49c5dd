import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@holdfast/lab';
import {
  bucketFolder,
  type ChkReadCapability,
  containerHeaderSize,
  parseCapability,
  storageIndexOf,
} from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findTahoe } from './available.js';
import { RunningThings } from './running-things.js';
import { connectionsOf, startStaticBroker } from './static-broker.js';
import { TahoeNode } from './tahoe-node.js';
import { WebApi } from './web-api.js';

// What our gateway and a real one say of the same files on the same five servers of the peer, and what they repair.

const tahoe = await findTahoe();
if ('missing' in tahoe) process.stderr.write(`The interop tests are passed over: ${tahoe.missing}\n`);

const encoding = { required: 3, happy: 3, total: 10 };
const names = ['t1', 't2', 't3', 't4', 't5'];

type Json = Record<string, unknown>;

/** A check's JSON without what is ours, and without an order where there is none. */
function comparable(json: Json): Json {
  return sorted({ ...json, results: resultsOf(json) });
}

function resultsOf({ results }: Json): Json {
  const { holdfast: _, ...theirs } = results as Json;
  return theirs;
}

function sorted(value: Json): Json {
  return JSON.parse(JSON.stringify(value), (_key, each: unknown) => {
    if (Array.isArray(each)) return each.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    if (each === null || typeof each !== 'object') return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  }) as Json;
}

describe.skipIf('missing' in tahoe)('checks and repairs beside a real Tahoe-LAFS 1.20', () => {
  const program = 'program' in tahoe ? tahoe.program : '';
  const everything = new RunningThings();
  let folder: string;
  let ourUrl: string;
  let theirUrl: string;
  const nodes = new Map<string, TahoeNode>();

  beforeAll(async () => {
    folder = everything.add(await temporaryFolder('interop')).path;
    for (const name of names)
      nodes.set(name, everything.add(await TahoeNode.storage(program, join(folder, name), name)));
    const servers = Object.fromEntries(
      await Promise.all([...nodes.values()].map((node) => node.announcement())),
    );
    const client = everything.add(
      await TahoeNode.client(program, join(folder, 'client'), servers, { encoding }),
    );
    theirUrl = await client.gateway();
    const convergence = await readFile(join(client.dir, 'private', 'convergence'), 'utf8');
    const broker = await startStaticBroker(join(folder, 'broker'), connectionsOf(servers), {
      encoding,
      convergence,
    });
    everything.add(broker);
    ourUrl = broker.url;
  });
  afterAll(() => everything[Symbol.asyncDispose]());

  interface Stored {
    readonly text: string;
    readonly content: Buffer;
    /** Share number, server and path of each share as it was stored. */
    readonly shares: readonly { readonly number: number; readonly path: string }[];
    readonly bytes: ReadonlyMap<number, Buffer>;
  }

  async function sharesOf(text: string): Promise<{ number: number; path: string }[]> {
    const bucket = bucketFolder(storageIndexOf(parseCapability(text) as ChkReadCapability));
    const found: { number: number; path: string }[] = [];
    for (const name of names) {
      const dir = join(folder, name, 'storage', 'shares', bucket);
      for (const file of await readdir(dir).catch(() => []))
        found.push({ number: Number(file), path: join(dir, file) });
    }
    return found.sort((a, b) => a.number - b.number);
  }

  /** The data of a share, without container and leases. */
  async function dataOf(path: string): Promise<Buffer> {
    const file = await readFile(path);
    const leases = file.readUInt32BE(8);
    return file.subarray(containerHeaderSize, file.length - leases * 72);
  }

  async function stored(size: number): Promise<Stored> {
    const content = randomBytes(size);
    const text = await new WebApi(theirUrl).put(content);
    const shares = await sharesOf(text);
    const bytes = new Map<number, Buffer>();
    for (const { number, path } of shares) bytes.set(number, await dataOf(path));
    return { text, content, shares, bytes };
  }

  async function check(url: string, capability: string, query = ''): Promise<Json> {
    const resource = `${url}/uri/${encodeURIComponent(capability)}?t=check&output=JSON${query}`;
    const response = await fetch(resource, { method: 'POST' });
    const text = await response.text();
    expect([response.status, response.headers.get('content-type')?.split(';')[0], text]).toEqual([
      200,
      'text/plain',
      text,
    ]);
    return JSON.parse(text) as Json;
  }

  async function same(capability: string, query = ''): Promise<Json> {
    const theirs = await check(theirUrl, capability, query);
    const ours = await check(ourUrl, capability, query);
    expect(comparable(ours)).toEqual(comparable(theirs));
    return ours;
  }

  async function corrupt(path: string): Promise<void> {
    const file = await readFile(path);
    const at = containerHeaderSize + 36 + 100;
    file[at] = (file[at] ?? 0) ^ 0xff;
    await writeFile(path, file);
  }

  it.each([10_000, 2_500_000])('says of a healthy file of %d bytes what the peer says', async (size) => {
    const { text } = await stored(size);
    expect(await same(text)).toMatchObject({ summary: 'Healthy' });
    await same(text, '&verify=true');
    await same(text, '&add-lease=true');
    const ours = await check(ourUrl, text, '&repair=true');
    const theirs = await check(theirUrl, text, '&repair=true');
    for (const phase of ['pre-repair-results', 'post-repair-results'])
      expect(comparable(ours[phase] as Json)).toEqual(comparable(theirs[phase] as Json));
    const { holdfast: _, ...rest } = ours;
    expect(Object.keys(rest)).toEqual(Object.keys(theirs));
    expect([ours['repair-attempted'], ours['repair-successful']]).toEqual([
      theirs['repair-attempted'],
      theirs['repair-successful'],
    ]);
  });

  it('says of a literal what the peer says', async () => {
    const text = await new WebApi(theirUrl).put(Buffer.from('small enough to stand in its capability'));
    for (const query of ['', '&verify=true', '&repair=true']) {
      const ours = await check(ourUrl, text, query);
      expect(ours).toEqual(await check(theirUrl, text, query));
    }
  });

  it('says of a file that lost shares, down to its last, what the peer says', async () => {
    const { text, shares } = await stored(10_000);
    for (const { path } of shares.slice(0, 4)) await rm(path);
    expect(await same(text)).toMatchObject({ summary: 'Not Healthy: 6 shares (enc 3-of-10)' });
    await same(text, '&verify=true');
    for (const { path } of shares.slice(4, 8)) await rm(path);
    expect(await same(text)).toMatchObject({ results: { recoverable: false } });
    for (const { path } of shares.slice(8)) await rm(path);
    await same(text);
    for (const url of [ourUrl, theirUrl]) {
      const response = await fetch(`${url}/uri/${encodeURIComponent(text)}?t=check&repair=true`, {
        method: 'POST',
      });
      expect([response.status, (await response.text()).split(':')[0]]).toEqual([410, 'NoSharesError']);
    }
  });

  it('says of shares that are piled on one server what the peer says', async () => {
    const { text, shares } = await stored(10_000);
    const pile = join(shares[0]?.path ?? '', '..');
    for (const { number, path } of shares) await rename(path, join(pile, String(number)));
    expect(await same(text)).toMatchObject({ results: { 'count-happiness': 1, healthy: true } });
  });

  it.each([10_000, 2_500_000])(
    'finds the corrupt share of a file of %d bytes as the peer does',
    async (size) => {
      const { text, shares } = await stored(size);
      await corrupt(shares[4]?.path ?? '');
      await same(text);
      expect(await same(text, '&verify=true')).toMatchObject({
        results: { 'count-corrupt-shares': 1, 'count-shares-good': 9, healthy: false },
      });
    },
  );

  it('checks by a verify capability, which the peer refuses', async () => {
    const { text } = await stored(10_000);
    const response = await fetch(`${theirUrl}/uri/${encodeURIComponent(text)}?t=json`);
    const [, { verify_uri: verify }] = (await response.json()) as [string, { verify_uri: string }];
    expect(await check(ourUrl, verify)).toEqual(await check(ourUrl, text));
  });

  it.each([10_000, 2_500_000])(
    'repairs a file of %d bytes so that the peer finds it healthy, with the same shares byte for byte',
    async (size) => {
      const { text, content, shares, bytes } = await stored(size);
      const lost = shares.filter(({ path }) => /[/\\]t[12][/\\]/.test(path));
      expect(lost).toHaveLength(4);
      for (const { path } of lost) await rm(path);
      expect(await check(ourUrl, text, '&repair=true')).toMatchObject({
        'repair-attempted': true,
        'repair-successful': true,
        'post-repair-results': { summary: 'healthy', results: { 'count-happiness': 5 } },
      });
      expect(await same(text, '&verify=true')).toMatchObject({
        results: { healthy: true, 'count-corrupt-shares': 0 },
      });
      for (const { number, path } of await sharesOf(text))
        expect([path, (await dataOf(path)).equals(bytes.get(number) as Buffer)]).toEqual([path, true]);
      expect((await new WebApi(theirUrl).get(text)).equals(content)).toBe(true);
    },
  );

  it('replaces a corrupt share, which the peer does not manage, and the peer finds the file healthy', async () => {
    const { text, shares, bytes } = await stored(10_000);
    const wrong = shares[4]?.path ?? '';
    await corrupt(wrong);
    expect(await check(ourUrl, text, '&verify=true&repair=true')).toMatchObject({
      'repair-successful': true,
    });
    expect(await same(text, '&verify=true')).toMatchObject({
      results: { healthy: true, 'count-shares-good': 10, 'count-corrupt-shares': 1 },
    });
    for (const { number, path } of await sharesOf(text))
      if (path !== wrong) expect((await dataOf(path)).equals(bytes.get(number) as Buffer)).toBe(true);
  });

  it('leaves to the peer what it reported, and finds healthy what the peer repaired', async () => {
    const { text, shares } = await stored(10_000);
    for (const { path } of shares.slice(0, 5)) await rm(path);
    await same(text);
    expect(await check(theirUrl, text, '&repair=true')).toMatchObject({ 'repair-successful': true });
    expect(await same(text, '&verify=true')).toMatchObject({ results: { healthy: true } });
  });

  it('names the servers that answer when some are stopped', async () => {
    const { text } = await stored(10_000);
    await nodes.get('t5')?.stop();
    const results = resultsOf(await check(ourUrl, text));
    expect(results['servers-responding']).toHaveLength(4);
    expect(results).toMatchObject({ 'count-shares-good': 8, healthy: false, recoverable: true });
  });
});
