import { silentLogger } from '@holdfast/common/logging';
import { storageIndexOf } from '@holdfast/lafs';
import { describe, expect, it, vi } from 'vitest';
import type { StorageServer } from '../connections/storage-server.js';
import { StorageServerError } from '../errors.js';
import { encodedFile } from '../testing/encoded-file.js';
import { type FoundShare, KnownShares } from './found-share.js';
import type { ShareReader } from './share-reader.js';
import { ShareSources } from './share-sources.js';

const required = 2;
const { shares, hashes, capability } = await encodedFile({ required, total: 4, size: 3_000 });

const serverCalled = (nickname: string) => ({ id: nickname, nickname }) as StorageServer;

/** A share of the file, which its server has sent whole. */
function held(shareNumber: number, server = serverCalled(`storage${shareNumber}`)): FoundShare {
  return { shareNumber, server, data: shares.get(shareNumber) as Uint8Array };
}

/** The file's shares, opened. */
async function started(...found: FoundShare[]) {
  const sources = new ShareSources(
    capability,
    storageIndexOf(capability),
    new KnownShares(found),
    silentLogger(),
    undefined,
  );
  await sources.start();
  const numbers = () => sources.open.map(({ share }) => share.shareNumber);
  const reader = (shareNumber: number) =>
    sources.open.find(({ share }) => share.shareNumber === shareNumber) as ShareReader;
  /** Whether there is one more share of which a segment has nothing that has the blocks of these. */
  const another = (...had: number[]) => sources.more(() => numbers().some((number) => !had.includes(number)));
  return { sources, numbers, reader, another };
}

const gone = new StorageServerError('refused', 'storage0', 'answered 404', 404);
const unreachable = new StorageServerError('unreachable', 'storage0', 'it went away');

describe('the shares that a download reads from', () => {
  it('are as many as the file needs, and those that need no decoding first', async () => {
    const { numbers } = await started(held(3), held(1), held(2), held(0));
    expect(numbers().toSorted()).toEqual([0, 1]);
  });

  it('are of different servers, as far as there are', async () => {
    const one = serverCalled('one');
    const { numbers } = await started(held(0, one), held(1, one), held(3, serverCalled('another')));
    expect(numbers().toSorted()).toEqual([0, 3]);
  });

  it('know of the file what each of them has proved', async () => {
    const { reader } = await started(held(0), held(2));
    const { shareTree } = reader(0).description;
    for (const share of [0, 1, 2, 3]) expect(shareTree.leaf(share)).toEqual(hashes.blockTrees[share]?.root);
    expect(reader(2).description).toBe(reader(0).description);
  });

  it('are others when one is slow, which is used again when there is no other', async () => {
    const { sources, numbers, reader, another } = await started(held(0), held(1), held(2));
    expect(sources.demote(reader(0))).toBe(true);
    expect(numbers()).toEqual([1]);
    expect(await another(1)).toBe(true);
    expect(numbers()).toEqual([1, 2]);
    expect(await another(1, 2)).toBe(true);
    expect(numbers()).toEqual([1, 2, 0]);
    expect(await another(0, 1, 2)).toBe(false);
  });

  it('are of the slow ones first that which answered last', async () => {
    const { sources, numbers, reader, another } = await started(held(0), held(1));
    const [silent, answering] = [reader(0), reader(1)];
    sources.demote(silent);
    sources.demote(answering);
    await answering.block(0, new AbortController().signal);
    expect(await another()).toBe(true);
    expect(numbers()).toEqual([1]);
  });

  it('are counted as slow once', async () => {
    const { sources, reader } = await started(held(0), held(1));
    const slow = reader(0);
    expect([sources.demote(slow), sources.demote(slow)]).toEqual([true, false]);
  });

  it('do not come back when they fail while they are slow', async () => {
    const { sources, numbers, reader, another } = await started(held(0), held(1));
    const slow = reader(0);
    sources.demote(slow);
    sources.drop(slow, gone);
    expect(await another(1)).toBe(false);
    expect(numbers()).toEqual([1]);
    expect([...sources.givenUp].map(([{ shareNumber }, error]) => [shareNumber, error])).toEqual([[0, gone]]);
    const { found, required: needed, reasons } = sources.notEnough();
    expect([found, needed]).toEqual([1, 2]);
    expect(reasons).toEqual(['share 0 on storage0: storage0: answered 404']);
  });

  it('are no longer opened once nothing is read of them any more', async () => {
    const asked: AbortSignal[] = [];
    const silent = {
      ...serverCalled('silent'),
      read: (...[, , , , signal]: Parameters<StorageServer['read']>) => {
        asked.push(signal as AbortSignal);
        return new Promise<Uint8Array>((_, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('broken off')));
        });
      },
    } as StorageServer;
    const { sources, another } = await started(held(0), held(1), { shareNumber: 2, server: silent });
    another(0, 1).catch(() => undefined);
    await expect.poll(() => asked.length).toBe(1);
    sources.close();
    expect(asked[0]?.aborted).toBe(true);
    await new Promise(setImmediate);
    expect([...sources.givenUp]).toEqual([]);
  });

  it('are opened again after a rest where their server could not be reached, and there is no other', async () => {
    const { sources, numbers, reader, another } = await started(held(0), held(1), held(2));
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      sources.drop(reader(0), unreachable);
      vi.advanceTimersByTime(900);
      expect(await another(1)).toBe(true);
      expect(numbers()).toEqual([1, 2]);
      vi.advanceTimersByTime(100);
      expect(await another(1, 2)).toBe(true);
      expect(numbers()).toEqual([1, 2, 0]);
      expect([sources.givenUp.size, sources.allGiven]).toEqual([0, false]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('are waited for no longer once nothing is read any more, also those that rest', async () => {
    const { sources, reader, another } = await started(held(0), held(1));
    sources.drop(reader(0), unreachable);
    const waiting = another(1);
    sources.close();
    await expect(waiting).rejects.toThrow('nothing is read of the file any more');
  });
});
