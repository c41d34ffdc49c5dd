import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { silentLogger } from '@holdfast/common/logging';
import { waitFor } from '@holdfast/lab';
import { type ChkReadCapability, parseCapability, storageIndexOf } from '@holdfast/lafs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StorageServer } from './connections/storage-server.js';
import { untilAborted } from './connections/until-aborted.js';
import { KnownShares, type ShareSupply, sharesHeldBy } from './download/found-share.js';
import { ShareSources } from './download/share-sources.js';
import { NotEnoughSharesError, StorageServerError } from './errors.js';
import { TransferMemory } from './memory/transfer-memory.js';
import { fiveServers } from './testing/five-servers.js';
import { collect, type LabClient, openLabClient } from './testing/lab-client.js';
import { cutOff, flipByte, headerOf, rowsOf, type ShareFile, shareFiles } from './testing/share-files.js';

// Reading while servers are gone or lie: five real servers with one share of each file on each.

const encoding = { required: 3, happy: 3, total: 5, maximumSegmentSize: 32 * 1024 };
/** Its shares are read whole in one request. */
const small = 100_000;
/** Its shares are read piece by piece. */
const large = 400_000;

const five = fiveServers({ encoding });

async function stored(size: number) {
  const content = randomBytes(size);
  const capability = await five.client.store(content);
  const shares = await shareFiles(five.lab, capability);
  expect(new Set(shares.map(({ server }) => server)).size).toBe(5);
  return { content, capability, shares };
}

const open = (capability: string, from = five.client) => from.grid.open(parseCapability(capability));

/** What a server was told about shares of a file. */
async function reports(capability: string, server: string) {
  const index = Buffer.from(storageIndexOf(parseCapability(capability) as ChkReadCapability));
  return rowsOf<{ share_number: number; reason: string }>(
    five.lab,
    server,
    `select share_number, reason from storage.corruption_reports
      where server = $1 and storage_index = '\\x${index.toString('hex')}'`,
  );
}

type Damage = (share: ShareFile) => Promise<void>;
const flipIn = (where: (header: Awaited<ReturnType<typeof headerOf>>) => number): Damage => {
  return async (share) => flipByte(share, where(await headerOf(share)));
};
const damages: [string, Damage][] = [
  ['one block', flipIn(({ sections, blockSize }) => sections.data.offset + blockSize + 5)],
  ['its ciphertext hash tree', flipIn(({ sections }) => sections.ciphertextHashTree.offset + 3)],
  ['its block hash tree', flipIn(({ sections }) => sections.blockHashTree.offset + 40)],
  ['its share hash chain', flipIn(({ sections }) => sections.shareHashChain.offset + 10)],
  ['a node number of that chain', flipIn(({ sections }) => sections.shareHashChain.offset + 1)],
  ['its URI extension block', flipIn(({ uriExtension }) => uriExtension.offset + 50)],
  ['the length of that block', flipIn(({ uriExtension }) => uriExtension.offset)],
  ['its version', flipIn(() => 3)],
  ['the block size in its header', flipIn(() => 7)],
  ['an offset in its header', flipIn(() => 27)],
  ['another offset in its header', flipIn(() => 32)],
];

describe('a file', () => {
  describe.each([
    ['small', small],
    ['large', large],
  ])('that is %s', (_name, size) => {
    it.each(damages)('is right when a server holds a share that is wrong in %s', async (_what, damage) => {
      const { content, capability, shares } = await stored(size);
      const [liar] = shares as [ShareFile];
      await damage(liar);
      const readAndAsk = async () => {
        expect((await five.client.read(capability)).equals(content)).toBe(true);
        return reports(capability, liar.server);
      };
      // The server hears of it, and no other does: from whoever reads its share. That is not everybody: of four that are asked,
      // the three that answer first will do, on a busy machine without it.
      let told = await readAndAsk();
      for (const until = Date.now() + 30_000; told.length === 0 && Date.now() < until; )
        told = await readAndAsk();
      expect(told[0]?.share_number).toBe(liar.shareNumber);
      expect(told[0]?.reason).not.toBe('');
      for (const { server } of shares.slice(1)) expect(await reports(capability, server)).toEqual([]);
    });

    it.each([
      ['in its header', 20],
      ['in its blocks', 10_000],
      ['in its hashes', undefined],
    ])('is right when a share is cut off %s', async (_where, at) => {
      const { content, capability, shares } = await stored(size);
      const [short] = shares as [ShareFile];
      const { sections } = await headerOf(short);
      await cutOff(short, at ?? sections.blockHashTree.offset + 72 + 16);
      expect((await five.client.read(capability)).equals(content)).toBe(true);
    });

    it('is right when two of five servers lie', async () => {
      const { content, capability, shares } = await stored(size);
      const [one, two] = shares as [ShareFile, ShareFile];
      await damages[0]?.[1](one);
      await damages[3]?.[1](two);
      expect((await five.client.read(capability)).equals(content)).toBe(true);
    });
  });

  it('cannot be read when too few servers have a share, and the error says how many there are', async () => {
    const { capability, shares } = await stored(large);
    for (const { path } of shares.slice(0, 3)) await rm(path);
    await expect(open(capability)).rejects.toMatchObject({
      name: 'NotEnoughSharesError',
      found: 2,
      required: 3,
      message: expect.stringMatching(/^only 2 good share\(s\) could be found; 3 are needed/),
    });
    for (const { path } of shares.slice(3)) await rm(path);
    await expect(open(capability)).rejects.toMatchObject({ found: 0, required: 3 });
  });

  it('cannot be read when too few shares are good, and the error says how many and what was wrong', async () => {
    const { capability, shares } = await stored(large);
    for (const share of shares.slice(1, 4)) await damages[0]?.[1](share);
    const reading = open(capability).then((file) => collect(file.read(0, file.size)));
    await expect(reading.then(({ length }) => length)).rejects.toMatchObject({
      name: 'NotEnoughSharesError',
      found: 2,
      required: 3,
      reasons: expect.arrayContaining([
        expect.stringMatching(/^share \d on s\d: block 1 is not what its hash says/),
      ]),
    });
  });

  describe('whose capability is wrong', () => {
    /** The file's shares on some servers, and the numbers of those that their servers were told are wrong. */
    async function foundOn(storageIndex: Uint8Array, servers: number) {
      const reported: number[] = [];
      const noted = five.client.servers
        .connectedFor(storageIndex)
        .slice(0, servers)
        .map((connection) => ({
          ...untilAborted(connection, new AbortController().signal),
          reportCorruption: async (_index: Uint8Array, shareNumber: number) => {
            reported.push(shareNumber);
          },
        }));
      const found = await Promise.all(
        noted.map((server) => sharesHeldBy(server, storageIndex, { whole: false })),
      );
      return { supply: new KnownShares(found.flat()), reported };
    }
    const start = (capability: ChkReadCapability, supply: ShareSupply) =>
      new ShareSources(capability, storageIndexOf(capability), supply, silentLogger(), undefined).start();

    it.each<[string, (right: ChkReadCapability) => ChkReadCapability]>([
      ['in its hash', (right) => ({ ...right, uriExtensionHash: randomBytes(32) })],
      ['in how many shares there are', (right) => ({ ...right, total: 2 })],
      ['in its size', (right) => ({ ...right, size: right.size - 1 })],
    ])('%s brings no server into disrepute', async (_where, wronged) => {
      const { capability } = await stored(large);
      const wrong = wronged(parseCapability(capability) as ChkReadCapability);
      const { supply, reported } = await foundOn(storageIndexOf(wrong), 5);
      await expect(start(wrong, supply)).rejects.toThrow(NotEnoughSharesError);
      expect(reported).toEqual([]);
    });

    it('as far as too few shares to be a file say, is believed, and their servers are told', async () => {
      const { capability } = await stored(large);
      const right = parseCapability(capability) as ChkReadCapability;
      const wrong = { ...right, uriExtensionHash: randomBytes(32) };
      const { supply, reported } = await foundOn(storageIndexOf(wrong), 2);
      await expect(start(wrong, supply)).rejects.toThrow(NotEnoughSharesError);
      expect(reported).toHaveLength(2);
    });

    /** Servers that claim twenty shares that the file cannot have, and what they were asked to give of them. */
    function claimMany(right: ChkReadCapability, read: StorageServer['read']) {
      const asked: string[] = [];
      const claims = five.client.servers.connectedFor(storageIndexOf(right)).map((connection) => {
        const server: StorageServer = {
          ...untilAborted(connection, new AbortController().signal),
          read: (...request) => {
            asked.push(connection.nickname);
            return read(...request);
          },
          reportCorruption: async () => undefined,
        };
        return Array.from({ length: 20 }, (_, index) => ({ server, shareNumber: right.total + index }));
      });
      return { supply: new KnownShares(claims.flat()), asked };
    }

    it('is looked for in no more than one share of each server, however many it claims', async () => {
      const right = parseCapability((await stored(small)).capability) as ChkReadCapability;
      const { supply, asked } = claimMany(right, () =>
        Promise.reject(new StorageServerError('unreachable', 'somewhere', 'no answer in time')),
      );
      await expect(start(right, supply)).rejects.toThrow(NotEnoughSharesError);
      expect(asked.sort()).toEqual(['s1', 's2', 's3', 's4', 's5']);
    });

    it('is looked for no longer than a while, all servers together', async () => {
      const right = parseCapability((await stored(small)).capability) as ChkReadCapability;
      const { supply, asked } = claimMany(right, async (_index, _number, _start, _end, signal) => {
        if (signal && !signal.aborted) await once(signal, 'abort');
        throw new StorageServerError('aborted', 'somewhere', 'nobody waits any more');
      });
      await expect(start(right, supply)).rejects.toThrow(NotEnoughSharesError);
      expect(asked).toHaveLength(1);
    }, 60_000);
  });

  it('that nobody has is not found', async () => {
    const { capability } = await stored(small);
    const chk = parseCapability(capability) as ChkReadCapability;
    await expect(five.client.grid.open({ ...chk, key: randomBytes(16) })).rejects.toMatchObject({ found: 0 });
  });

  it('gives every range as the slice that it is', async () => {
    await using fine = await openLabClient(five.lab, { encoding: { ...encoding, maximumSegmentSize: 4096 } });
    const content = randomBytes(250_001);
    const file = await open(await fine.store(content), fine);
    const segment = 4098;
    const check = async (start: number, end: number) => {
      const piece = await collect(file.read(start, end));
      expect(piece.equals(content.subarray(start, end)), `${start}–${end}`).toBe(true);
    };
    const { size } = file;
    expect(size).toBe(content.length);
    const tail = Math.floor((size - 1) / segment) * segment;
    const edges = [0, 1, segment - 1, segment, segment + 1, tail - 1, tail, tail + 1, size - 1, size];
    for (const start of edges) for (const end of edges) if (start <= end) await check(start, end);
    await check(size, size + 10);
    await check(size - 1, size + 10);
    const range = fc.tuple(fc.nat(size), fc.nat({ max: 3 * segment }));
    await fc.assert(
      fc.asyncProperty(range, ([start, length]) => check(start, start + length)),
      { numRuns: 60 },
    );
  });

  describe('of very many segments', () => {
    const fine = { ...encoding, maximumSegmentSize: 1024 };
    const content = randomBytes(2_500_000);
    const segment = 1026;
    let relayed: LabClient;
    let capability: string;
    beforeAll(async () => {
      relayed = await openLabClient(five.lab, { encoding: fine, relayed: true });
      capability = await relayed.store(content);
    });
    afterAll(() => relayed?.[Symbol.asyncDispose]());
    const said = () => [...relayed.relays.values()].reduce((sum, relay) => sum + relay.said(), 0);

    it('is read whole', async () => {
      expect((await relayed.read(capability)).equals(content)).toBe(true);
    });

    it('is read in part without most of its hashes', async () => {
      const before = said();
      const [start, end] = [1_300_000, 1_301_000];
      const part = await relayed.read(capability, start, end);
      expect(part.equals(content.subarray(start, end))).toBe(true);
      // Three shares with two trees of 4096 leaves each would be 1.5 MB.
      expect(said() - before).toBeLessThan(250_000);
    });

    it.each([
      ['ciphertext', 'ciphertextHashTree'],
      ['block', 'blockHashTree'],
    ] as const)(
      'is right when a leaf of its %s hash tree is wrong, and the server hears of it',
      async (_name, tree) => {
        const [liar] = (await shareFiles(five.lab, capability)) as [ShareFile];
        const { sections } = await headerOf(liar);
        const at = sections[tree].offset + 32 * (4095 + 1700) + 3;
        await flipByte(liar, at);
        const [start, end] = [1700 * segment, 1701 * segment];
        const part = await relayed.read(capability, start, end);
        expect(part.equals(content.subarray(start, end))).toBe(true);
        await waitFor(
          'the report',
          async () => (await reports(capability, liar.server)).length > 0 || undefined,
        );
        await flipByte(liar, at);
      },
    );
  });

  it('is refused where its segments never fit into the memory there is, and gives all back when it is closed', async () => {
    const { capability } = await stored(large);
    const memory = new TransferMemory(2_200_000);
    await using ample = await openLabClient(five.lab, { encoding, memory });
    const file = await open(capability, ample);
    expect(memory.working.taken).toBeGreaterThan(2 * encoding.maximumSegmentSize);
    file.close();
    expect([memory.receiving.taken, memory.opening.taken, memory.working.taken]).toEqual([0, 0, 0]);

    await using coarse = await openLabClient(five.lab, {
      encoding: { ...encoding, maximumSegmentSize: 400_000 },
    });
    const other = await coarse.store(randomBytes(large));
    await expect(open(other, ample)).rejects.toMatchObject({
      code: 'not-enough-memory',
      available: 1_650_000,
    });
    expect([memory.receiving.taken, memory.opening.taken, memory.working.taken]).toEqual([0, 0, 0]);
  });

  it('goes on being read while two of five servers go away', async () => {
    const { content, capability, shares } = await stored(4_000_000);
    const file = await open(capability);
    const pieces: Buffer[] = [];
    let size = 0;
    const leaving = [
      { at: 100_000, leave: () => five.lab.kill(shares[0]?.server ?? '') },
      { at: 2_000_000, leave: () => five.lab.stop(shares[1]?.server ?? '') },
    ];
    for await (const piece of file.read(0, file.size)) {
      pieces.push(Buffer.from(piece));
      size += piece.length;
      if (size >= (leaving[0]?.at ?? Number.POSITIVE_INFINITY)) await leaving.shift()?.leave();
    }
    expect(leaving).toEqual([]);
    expect(Buffer.concat(pieces).equals(content)).toBe(true);

    // And it can be opened anew while they are away.
    expect((await five.client.read(capability)).equals(content)).toBe(true);
    await five.client.connected(3);
    expect((await five.client.read(capability)).equals(content)).toBe(true);
    for (const { server } of shares.slice(0, 2)) await five.lab.start(server);
    await five.client.connected(5);
  });

  it('goes on being read when so many servers go away that too few are left, and come back', async () => {
    const { content, capability, shares } = await stored(4_000_000);
    const file = await open(capability);
    const away = shares.slice(0, 3).map(({ server }) => server);
    const pieces: Buffer[] = [];
    let starting: Promise<unknown> | undefined;
    for await (const piece of file.read(0, file.size)) {
      pieces.push(Buffer.from(piece));
      if (starting) continue;
      for (const server of away) await five.lab.kill(server);
      starting = Promise.all(away.map((server) => five.lab.start(server)));
    }
    await starting;
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    await five.client.connected(5);
  });
});
