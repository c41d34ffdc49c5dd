import { randomBytes } from 'node:crypto';
import { readFile, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  blockHash,
  bucketFolder,
  encodeCbor,
  encodeShareHashChain,
  encodeUriExtension,
  encodeUriExtensionSection,
  encodingGeometry,
  HashTree,
  immutableShareLayout,
  type ShareAddress,
  sharePath,
  storageRoutes,
  uriExtensionOf,
} from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import { startTestServer, type TestServer } from '../testing/test-server.js';

const fileOf = (server: TestServer, { storageIndex, shareNumber }: ShareAddress) =>
  join(server.shares, sharePath(storageIndex, shareNumber));

/** A share as a client makes it, 1-of-1, of random content. */
function chkShare(size: number): Buffer {
  const geometry = encodingGeometry({ size, required: 1, total: 1, maximumSegmentSize: 4096 });
  const segments = Array.from({ length: geometry.segmentCount }, (_, index) =>
    randomBytes(Math.min(4096, size - index * 4096)),
  );
  const blocks = HashTree.of(segments.map(blockHash));
  const shares = HashTree.of([blocks.root]);
  const ciphertext = HashTree.of(segments.map(() => randomBytes(32)));
  const extension = encodeUriExtension(
    uriExtensionOf(geometry, {
      ciphertextHash: randomBytes(32),
      ciphertextRootHash: ciphertext.root,
      shareRootHash: shares.root,
    }),
  );
  const layout = immutableShareLayout({ geometry, uriExtensionLength: extension.length });
  return Buffer.concat([
    layout.header,
    ...segments,
    new Uint8Array(layout.sections.plaintextHashTree.size),
    ciphertext.bytes,
    blocks.bytes,
    encodeShareHashChain(shares.proof(0, { includeLeaf: true })),
    encodeUriExtensionSection(layout.version, extension),
  ]);
}

async function turnBit(file: string, at: number): Promise<void> {
  const content = await readFile(file);
  content[at]! ^= 1;
  await writeFile(file, content);
}

const problems = async (server: TestServer) =>
  new Map(
    (
      await server.sql<{ storage_index: Buffer; found_by: string; problem: string; part: string }>(
        'select storage_index, found_by, problem, part from storage.damaged_shares',
      )
    ).map((row) => [row.storage_index.toString('hex'), `${row.found_by}, ${row.part}: ${row.problem}`]),
  );
const round = async (server: TestServer) =>
  (
    await server.sql<{
      finished: boolean;
      next_section: number;
      shares: number;
      bytes: number;
      damaged: number;
    }>(
      `select finished_at is not null as finished, next_section, shares::int, bytes::float8, damaged::int
         from storage.scrubs`,
    )
  )[0];

const hex = (share: ShareAddress) => Buffer.from(share.storageIndex).toString('hex');

describe('the scrub', () => {
  it('reads every share, finds what no reader has asked for, and deletes nothing', async () => {
    await using server = await startTestServer({ settings: { scrub: { enabled: false } } });
    const { client } = server;
    const shares = Array.from({ length: 8 }, () => ({ storageIndex: newIndex(), shareNumber: 0 }));
    for (const share of shares) await client.store(share, chkShare(50_000));
    const opaque = { storageIndex: newIndex(), shareNumber: 0 };
    await client.store(opaque, Buffer.from('no file of anybody'));
    const [rotten, rottenTree, shortened] = shares as [ShareAddress, ShareAddress, ShareAddress];
    await server.stop();
    await turnBit(fileOf(server, rotten), 30_000);
    await turnBit(fileOf(server, rottenTree), (await stat(fileOf(server, rottenTree))).size - 72 - 700);
    await truncate(fileOf(server, shortened), 20_000);
    await server.change({ scrub: { bytes_per_second: '100MB' } });
    await server.start();
    await expect.poll(() => round(server), { timeout: 30_000 }).toMatchObject({ finished: true });
    const found = await problems(server);
    expect(found.size).toBe(3);
    expect(found.get(hex(rotten))).toMatch(/^scrub, content: block \d+ has another hash than its leaf$/);
    expect(found.get(hex(rottenTree))).toMatch(/^scrub, content: /);
    expect(found.get(hex(shortened))).toMatch(/^scrub, container: /);
    expect(await round(server)).toMatchObject({ next_section: 1024, shares: 9, damaged: 3 });
    for (const share of shares) {
      expect(await client.list(share.storageIndex)).toEqual(found.has(hex(share)) ? [] : [0]);
      await stat(fileOf(server, share));
    }
    expect(await client.list(opaque.storageIndex)).toEqual([0]);
  });

  it('reads what is before and behind a folder that cannot be read once, and ends its round', async () => {
    await using server = await startTestServer({ settings: { scrub: { enabled: false } } });
    const indexes = [20, 120, 220].map((first) => Uint8Array.from([first, ...randomBytes(15)]));
    for (const storageIndex of indexes)
      await server.client.store({ storageIndex, shareNumber: 0 }, chkShare(5_000));
    await server.stop();
    const folder = join(server.shares, bucketFolder(indexes[1] as Uint8Array));
    await rename(folder, `${folder}.aside`);
    await symlink(folder, folder);
    await server.change({ scrub: { bytes_per_second: '100MB' } });
    await server.start();
    await expect.poll(() => round(server), { timeout: 30_000 }).toMatchObject({ finished: true });
    expect(await round(server)).toMatchObject({ next_section: 1024, shares: 2, damaged: 0 });
  });

  it('keeps to its pace, and goes on after a restart where it was', async () => {
    const settings = { scrub: { bytes_per_second: '1MB', every: '30d' } };
    await using server = await startTestServer({ settings: { scrub: { enabled: false } } });
    const count = 40;
    for (let index = 0; index < count; index++) {
      await server.client.store({ storageIndex: newIndex(), shareNumber: 0 }, randomBytes(200_000));
    }
    await server.stop();
    await server.change(settings);
    const begun = performance.now();
    await server.start();
    await expect.poll(async () => (await round(server))?.shares ?? 0, { timeout: 20_000 }).toBeGreaterThan(8);
    await server.kill();
    const before = await round(server);
    expect(before?.finished).toBe(false);
    await server.start();
    await expect.poll(() => round(server), { timeout: 40_000 }).toMatchObject({ finished: true });
    // 8 MB at 1 MB a second, and what opening the shares is counted as.
    expect(performance.now() - begun).toBeGreaterThan(8_000);
    const after = await round(server);
    expect(after?.shares).toBe(count);
    expect(after?.bytes).toBeGreaterThanOrEqual(count * 200_000);
    await server.stop();
    await server.start();
    expect(await round(server)).toEqual(after);
  });

  it('looks at a share that a reader reports, whatever the time, and believes only itself', async () => {
    await using server = await startTestServer({ settings: { scrub: { bytes_per_second: '10MB' } } });
    const { client } = server;
    await expect.poll(() => round(server), { timeout: 20_000 }).toMatchObject({ finished: true });
    const good = { storageIndex: newIndex(), shareNumber: 0 };
    const bad = { storageIndex: newIndex(), shareNumber: 0 };
    for (const share of [good, bad]) await client.store(share, chkShare(20_000));
    await turnBit(fileOf(server, bad), 9_000);
    const report = { headers: { 'content-type': 'application/cbor' }, body: encodeCbor({ reason: 'bad' }) };
    for (const share of [good, bad]) {
      const { status } = await client.request('POST', storageRoutes.reportCorruption.path(share), report);
      expect(status).toBe(200);
    }
    await expect.poll(() => client.list(bad.storageIndex), { timeout: 10_000 }).toEqual([]);
    expect((await problems(server)).get(hex(bad))).toMatch(/^scrub, content: block/);
    expect(await client.list(good.storageIndex)).toEqual([0]);
  });
});
