import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  bucketFolder,
  encodeContainerHeader,
  encodeLeaseRecord,
  encodeMutableContainer,
  type ShareAddress,
  sharePath,
} from '@holdfast/lafs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectShare, ShareScan } from './share-scan.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-scan-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const secret = new Uint8Array(32);
const index = (byte: number, last = 0) => {
  const storageIndex = new Uint8Array(16).fill(byte);
  storageIndex[15] = last;
  return storageIndex;
};

function put({ storageIndex, shareNumber }: ShareAddress, ...parts: Uint8Array[]): void {
  const path = join(root, sharePath(storageIndex, shareNumber));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, Buffer.concat(parts));
}

function putImmutable(share: ShareAddress, dataSize: number, owners: readonly number[]): void {
  const leases = owners.map((owner) =>
    encodeLeaseRecord({ owner, renewSecret: secret, cancelSecret: secret, expiresAt: 1 }),
  );
  put(
    share,
    encodeContainerHeader({ dataSize, leaseCount: owners.length }),
    new Uint8Array(dataSize).fill(7),
    ...leases,
  );
}

function putMutable(share: ShareAddress, dataSize: number, owners: readonly number[]): void {
  const nodeId = new Uint8Array(20);
  const { header, trailer } = encodeMutableContainer({
    dataSize,
    nodeId,
    writeEnabler: secret,
    leases: owners.map((owner) => ({
      owner,
      renewSecret: secret,
      cancelSecret: secret,
      expiresAt: 1,
      nodeId,
    })),
  });
  put(share, header, new Uint8Array(dataSize), trailer);
}

/** Puts a folder there that nobody can open, whoever runs this: its way leads back to itself. */
function unreadable(folder: string): void {
  const path = join(root, folder);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(path, path);
}

describe('a walk over a share folder', () => {
  it.each([1, 2, 3, 1000])('meets every share once, some %i at a time, section by section', (limit) => {
    const shares = [3, 3, 3, 200, 255].flatMap((byte, at) =>
      [0, 7].map((shareNumber) => ({ storageIndex: index(byte, at), shareNumber })),
    );
    for (const share of shares) putImmutable(share, 1, [0]);
    writeFileSync(join(root, 'holdfast-mark'), '');
    mkdirSync(join(root, 'incoming', 'ab'), { recursive: true });
    mkdirSync(join(root, 'ab', 'not-a-bucket'), { recursive: true });
    writeFileSync(join(dirname(join(root, sharePath(index(3), 0))), 'README'), '');

    const scan = new ShareScan(root);
    const pages = [];
    for (let page = scan.next(limit); page; page = scan.next(limit)) pages.push(page);
    // The shares of one storage index stay together.
    expect(pages.every((page) => page.shares.length <= limit + 1)).toBe(true);
    const sections = pages.map(({ section }) => section);
    expect(sections).toEqual([...sections].sort((a, b) => a - b));
    const paths = (some: readonly ShareAddress[]) =>
      some.map(({ storageIndex, shareNumber }) => sharePath(storageIndex, shareNumber)).sort();
    expect(paths(pages.flatMap((page) => page.shares))).toEqual(paths(shares));
    scan.close();

    const rest = new ShareScan(root, (200 << 2) | 3);
    expect(rest.next(100)?.shares[0]?.storageIndex[0]).toBe(200);
    rest.close();
  });

  it.each([1, 1000])(
    'passes over folders that cannot be read, and tells which, some %i at a time',
    (limit) => {
      const seen = [3, 200, 255].map((byte) => ({ storageIndex: index(byte), shareNumber: 0 }));
      for (const share of seen) putImmutable(share, 1, [0]);
      const [bucket, section] = [index(200, 1), index(100)];
      unreadable(bucketFolder(bucket));
      unreadable(dirname(bucketFolder(section)));

      const scan = new ShareScan(root);
      const pages = [];
      for (let page = scan.next(limit); page; page = scan.next(limit)) pages.push(page);
      expect(pages.flatMap(({ shares }) => shares)).toEqual(seen);
      const problem = 'the folder cannot be read: ELOOP';
      const bounds = { first: new Uint8Array(16), last: new Uint8Array(16).fill(0xff) };
      bounds.first.set([100, 0x40]);
      bounds.last.set([100, 0x7f]);
      expect(pages.flatMap((page) => page.unreadable)).toEqual([
        { folder: dirname(bucketFolder(section)), problem, ...bounds },
        { folder: bucketFolder(bucket), problem, first: bucket, last: bucket },
      ]);
    },
  );

  it('of an empty folder, or of none, ends at once', () => {
    expect(new ShareScan(root).next(10)).toBeUndefined();
    expect(new ShareScan(join(root, 'none')).next(10)).toBeUndefined();
  });
});

describe('looking into a share', () => {
  const share = { storageIndex: index(1), shareNumber: 4 };

  it.each([0, 1, 5000, 16 * 1024 - 84, 16 * 1024, 100_000])(
    'tells kind, size and owners of an immutable one of %i bytes',
    (size) => {
      putImmutable(share, size, [0, 12, 12, 900]);
      expect(inspectShare(root, share)).toEqual({ kind: 'immutable', size, owners: [12, 900] });
    },
  );

  it.each([0, 5000, 100_000])('tells kind, size and owners of a mutable one of %i bytes', (size) => {
    putMutable(share, size, [1, 2, 3, 4, 5]);
    expect(inspectShare(root, share)).toEqual({ kind: 'mutable', size, owners: [1, 2, 3, 4, 5] });
  });

  it('finds nothing where there is none, and says what is wrong with one that is not whole', () => {
    expect(inspectShare(root, share)).toBeUndefined();
    const problem = expect.stringContaining('malformed share container');
    put(share, Buffer.from('short'));
    expect(inspectShare(root, share)).toEqual({ problem });
    put(share, encodeContainerHeader({ dataSize: 3, leaseCount: 1 }), Buffer.from('cut'));
    expect(inspectShare(root, share)).toEqual({ problem });
  });
});
