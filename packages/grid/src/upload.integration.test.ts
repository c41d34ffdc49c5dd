import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { waitFor } from '@holdfast/lab';
import { type ChkReadCapability, parseCapability, sharePath, storageIndexOf } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { TransferMemory } from './memory/transfer-memory.js';
import { fiveServers } from './testing/five-servers.js';
import { once, openLabClient } from './testing/lab-client.js';
import { rowsOf, type ShareFile, shareFiles, sharesFolder } from './testing/share-files.js';

// Storing while servers are full, too few, or die on the way: five real servers. What a server keeps of an upload whose
// client was lost it gives up when it starts anew, so the tests of full servers, which start them, come last.

const encoding = { required: 2, happy: 3, total: 5, maximumSegmentSize: 64 * 1024 };

const five = fiveServers({ encoding });

const everyServer = ['s1', 's2', 's3', 's4', 's5'];

/** Uploads that servers have begun and not ended, in their folders and in their databases. */
async function begun(servers: readonly string[] = everyServer): Promise<string[]> {
  const found: string[] = [];
  for (const server of servers) {
    for (const name of await readdir(join(sharesFolder(five.lab, server), 'incoming')))
      found.push(`${server}: ${name}`);
    const rows = await rowsOf<{ share_number: number }>(
      five.lab,
      server,
      `select share_number from storage.shares where server = $1 and state = 'coming'`,
    );
    for (const row of rows) found.push(`${server}: share ${row.share_number} is coming`);
  }
  return found;
}

/** How many shares of all files each server has recorded. */
async function recorded(): Promise<number> {
  let count = 0;
  for (const server of everyServer) {
    const query = 'select count(*) from storage.shares where server = $1';
    const [row] = await rowsOf<{ count: number }>(five.lab, server, query);
    count += row?.count ?? 0;
  }
  return count;
}

const isComing = (server: string) => readdirSync(join(sharesFolder(five.lab, server), 'incoming')).length > 0;

const nothingBegun = (servers?: readonly string[]) =>
  waitFor('nothing is left of the upload', async () => {
    const left = await begun(servers);
    if (left.length > 0) throw new Error(left.join(', '));
    return true as const;
  });

/** A file that comes in piece by piece; before piece number `at`, something happens. */
async function* withEvent(content: Uint8Array, at: number, event: () => Promise<unknown>) {
  const size = 64 * 1024;
  for (let piece = 0; piece * size < content.length; piece++) {
    if (piece === at) await event();
    yield content.subarray(piece * size, (piece + 1) * size);
  }
}

async function putShare(share: ShareFile, capability: string, server: string): Promise<void> {
  const index = storageIndexOf(parseCapability(capability) as ChkReadCapability);
  const to = join(sharesFolder(five.lab, server), sharePath(index, share.shareNumber));
  await mkdir(dirname(to), { recursive: true });
  await rename(share.path, to);
}

const serversOf = (shares: readonly ShareFile[]) => new Set(shares.map(({ server }) => server));

describe('an upload', () => {
  it('spreads a file’s shares over the servers', async () => {
    const shares = await shareFiles(five.lab, await five.client.store(randomBytes(100_000)));
    expect(shares.map(({ shareNumber }) => shareNumber)).toEqual([0, 1, 2, 3, 4]);
    expect(serversOf(shares).size).toBe(5);
  });

  it('of a file that is there already stores nothing, and gives the same capability', async () => {
    const content = randomBytes(200_000);
    const capability = await five.client.store(content);
    const before = await recorded();
    const files = await shareFiles(five.lab, capability);
    expect(await five.client.store(content)).toBe(capability);
    expect(await recorded()).toBe(before);
    expect(await shareFiles(five.lab, capability)).toEqual(files);
    await nothingBegun();
  });

  it('gives the same capability where memory is short, and the file waits on the disk', async () => {
    const convergenceSecret = randomBytes(32);
    const coarse = { ...encoding, maximumSegmentSize: 2 ** 20 };
    const memory = new TransferMemory(64 * 2 ** 20);
    const held = await memory.receiving.take(memory.receiving.size - 400_000);
    await using roomy = await openLabClient(five.lab, { encoding: coarse, convergenceSecret });
    await using tight = await openLabClient(five.lab, { encoding: coarse, convergenceSecret, memory });
    for (const size of [50, 100_000, 700_000, 2 ** 20, 2_500_000]) {
      const content = randomBytes(size);
      expect(await tight.store(content)).toBe(await roomy.store(content));
    }
    held.release();
    expect([memory.receiving.taken, memory.opening.taken, memory.working.taken]).toEqual([0, 0, 0]);
  });

  it('by another client with the same convergence secret gives the same capability, with another none', async () => {
    const content = randomBytes(100_000);
    const convergenceSecret = randomBytes(32);
    await using one = await openLabClient(five.lab, { encoding, convergenceSecret });
    await using two = await openLabClient(five.lab, { encoding, convergenceSecret });
    const capability = await one.store(content);
    expect(await two.store(content)).toBe(capability);
    expect(await five.client.store(content)).not.toBe(capability);
  });

  it('spreads shares that were piled on one server', async () => {
    const content = randomBytes(100_000);
    const capability = await five.client.store(content);
    const [first, ...others] = (await shareFiles(five.lab, capability)) as [ShareFile, ...ShareFile[]];
    for (const share of others) await putShare(share, capability, first.server);
    expect(serversOf(await shareFiles(five.lab, capability)).size).toBe(1);
    expect(await five.client.store(content)).toBe(capability);
    const spread = await shareFiles(five.lab, capability);
    expect(serversOf(spread).size).toBe(5);
    // The server that held all of them may now be lost.
    for (const { path } of spread.filter(({ server }) => server === first.server)) await rm(path);
    expect((await five.client.read(capability)).equals(content)).toBe(true);
  });

  it('makes again what was lost', async () => {
    const content = randomBytes(100_000);
    const capability = await five.client.store(content);
    const [lost] = (await shareFiles(five.lab, capability)) as [ShareFile];
    await rm(lost.path);
    // A server that loses a file while it runs is not the matter here: it looks through its shares when it starts.
    await five.lab.stop(lost.server);
    await five.lab.start(lost.server);
    await five.client.connected(5);
    expect(await five.client.store(content)).toBe(capability);
    expect((await shareFiles(five.lab, capability)).map(({ shareNumber }) => shareNumber)).toEqual([
      0, 1, 2, 3, 4,
    ]);
  });

  it('whose source fails gives back its error, and has begun nothing', async () => {
    const fails = withEvent(randomBytes(1_000_000), 5, () =>
      Promise.reject(new Error('the sender went away')),
    );
    await expect(five.client.grid.upload(fails)).rejects.toThrow('the sender went away');
    await nothingBegun();
  });
});

describe('a server that dies while a file is being stored', () => {
  const content = randomBytes(6_000_000);

  it('is not missed when it goes away while the file still comes in', async () => {
    const other = randomBytes(1_000_000);
    const capability = await five.client.grid.upload(withEvent(other, 5, () => five.lab.kill('s1')));
    expect((await five.client.read(capability)).equals(other)).toBe(true);
    const shares = await shareFiles(five.lab, capability);
    expect(shares.map(({ shareNumber }) => shareNumber)).toEqual([0, 1, 2, 3, 4]);
    expect(serversOf(shares).has('s1')).toBe(false);
    await five.lab.start('s1');
    await five.client.connected(5);
  });

  it('just after it has stored its share, before it could say so, is asked whether it has it', async () => {
    await using relayed = await openLabClient(five.lab, {
      encoding: { ...encoding, happy: 5 },
      relayed: true,
    });
    const other = randomBytes(1_000_000);
    const stored = () => readdirSync(sharesFolder(five.lab, 's2'), { recursive: true }).length;
    const before = stored();
    const relay = relayed.relays.get('s2');
    // A folder, one in it, and the share: outside `incoming`.
    let cut = false;
    relay?.cutOnce(() => {
      const placed =
        readdirSync(join(sharesFolder(five.lab, 's2'), 'incoming')).length === 0 && stored() > before;
      cut ||= placed;
      return placed;
    });
    const capability = await relayed.store(other);
    expect(cut).toBe(true);
    expect(serversOf(await shareFiles(five.lab, capability)).size).toBe(5);
  });

  it('does not stop the upload where enough are left', async () => {
    await using relayed = await openLabClient(five.lab, { encoding, relayed: true });
    const dying = [relayed.relays.get('s1'), relayed.relays.get('s2')];
    const upload = relayed.store(content);
    await waitFor('shares are coming', () => isComing('s3') || undefined, { everyMs: 5 });
    for (const relay of dying) await relay?.[Symbol.asyncDispose]();
    const capability = await upload;
    expect((await five.client.read(capability)).equals(content)).toBe(true);
    expect(serversOf(await shareFiles(five.lab, capability)).size).toBeGreaterThanOrEqual(3);
    await nothingBegun(['s3', 's4', 's5']);
  });

  it('is replaced by another where that one has no share yet', async () => {
    await using relayed = await openLabClient(five.lab, {
      encoding: { ...encoding, happy: 4, total: 4 },
      relayed: true,
    });
    const other = randomBytes(6_000_000);
    let lost = '';
    // Four of five servers get a share, so that one of these two does.
    for (const server of ['s1', 's2']) {
      const relay = relayed.relays.get(server);
      relay?.cutOnce(() => {
        if (lost !== '' || !isComing(server)) return false;
        lost = server;
        void relay[Symbol.asyncDispose]();
        return true;
      });
    }
    const capability = await relayed.store(other);
    expect(lost).not.toBe('');
    const servers = serversOf(await shareFiles(five.lab, capability));
    expect(servers.size).toBe(4);
    expect(servers.has(lost)).toBe(false);
    await nothingBegun(['s3', 's4', 's5']);
  });

  it('ends the upload at once when its sender leaves, and nothing of it stays', async () => {
    await using relayed = await openLabClient(five.lab, { encoding, relayed: true });
    const leaving = new AbortController();
    const upload = relayed.grid.upload(once(randomBytes(6_000_000)), { signal: leaving.signal });
    let left = 0;
    for (const [server, relay] of relayed.relays) {
      relay.cutOnce(() => {
        if (left > 0 || !isComing(server)) return false;
        for (const silent of ['s1', 's2']) relayed.relays.get(silent)?.stall();
        left = performance.now();
        setTimeout(() => leaving.abort(new Error('the sender left')), 50);
        return false;
      });
    }
    await expect(upload).rejects.toThrow('the sender left');
    expect(performance.now() - left).toBeLessThan(8_000);
    await nothingBegun(['s3', 's4', 's5']);
  });

  it('ends the upload where too few are left, and nothing of it stays at the others', async () => {
    await using relayed = await openLabClient(five.lab, { encoding, relayed: true });
    const other = randomBytes(6_000_000);
    const dying = ['s1', 's2', 's3'].map((server) => relayed.relays.get(server));
    const upload = relayed.store(other);
    const refused = expect(upload).rejects.toMatchObject({
      name: 'NotEnoughServersError',
      code: 'not-enough-servers',
      happiness: 2,
      happy: 3,
      message: expect.stringMatching(
        /^shares could be placed on only 2 server\(s\) such that any 2 of them have enough shares to recover the file, but we were asked to place shares on at least 3 such servers\. \(.*s[123]: /,
      ),
    });
    await waitFor('shares are coming', () => isComing('s4') || undefined, { everyMs: 5 });
    for (const relay of dying) await relay?.[Symbol.asyncDispose]();
    await refused;
    await nothingBegun(['s4', 's5']);
  });
});

describe('servers that cannot take a share', () => {
  const stored = randomBytes(100_000);
  let capability: string;

  it('are passed over when they are full', async () => {
    capability = await five.client.store(stored);
    await fill('s1');
    await fill('s2');
    const shares = await shareFiles(five.lab, await five.client.store(randomBytes(100_000)));
    expect(shares.map(({ shareNumber }) => shareNumber)).toEqual([0, 1, 2, 3, 4]);
    expect([...serversOf(shares)].sort()).toEqual(['s3', 's4', 's5']);
    await nothingBegun(['s1', 's2', 's4', 's5']);
  });

  it('leave too few: the error is the peer’s, and nothing is left behind', async () => {
    await fill('s3');
    const before = await recorded();
    await expect(five.client.store(randomBytes(100_000))).rejects.toMatchObject({
      name: 'NotEnoughServersError',
      servers: 2,
      happiness: 2,
      required: 2,
      happy: 3,
      message: expect.stringMatching(
        /^shares could be placed on only 2 server\(s\) such that any 2 of them have enough shares to recover the file, but we were asked to place shares on at least 3 such servers\./,
      ),
    });
    await nothingBegun();
    expect(await recorded()).toBe(before);
  });

  it('leave fewer than the shares needed: the error says so in the peer’s words', async () => {
    await fill('s4');
    await expect(five.client.store(randomBytes(100_000))).rejects.toMatchObject({
      servers: 1,
      message: expect.stringMatching(
        /^shares could be placed or found on only 1 server\(s\)\. We were asked to place shares on at least 3 server\(s\) such that any 2 of them have enough shares to recover the file\./,
      ),
    });
    await nothingBegun();
  });

  it('still count for a file of which they hold shares', async () => {
    const before = await recorded();
    expect(await five.client.store(stored)).toBe(capability);
    expect(await recorded()).toBe(before);
  });

  /** Starts a server anew with all of its disk and more reserved. */
  async function fill(server: string): Promise<void> {
    const path = join(five.lab.dir, server, 'node.yaml');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(/reserved_space: .*/, 'reserved_space: 900TB'));
    await five.lab.stop(server);
    await five.lab.start(server);
    await five.client.connected(5);
  }
});
