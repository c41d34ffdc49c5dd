import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Lab } from '@holdfast/lab';
import { type ChkReadCapability, containerHeaderSize, parseCapability } from '@holdfast/lafs';
import { expect } from 'vitest';
import type { Grid } from '../grid.js';
import { once } from './lab-client.js';
import { flipByte, headerOf, type ShareFile, shareFiles } from './share-files.js';

/** A file in a lab, and what is in each of its shares. */
export interface StoredWithShares {
  readonly content: Uint8Array;
  readonly capability: ChkReadCapability;
  readonly text: string;
  readonly shares: readonly ShareFile[];
  /** The bytes of each share, by number. */
  readonly bytes: ReadonlyMap<number, Buffer>;
}

/** Stores so many bytes of chance. */
export async function storeWithShares(lab: Lab, grid: Grid, size: number): Promise<StoredWithShares> {
  const content = randomBytes(size);
  const text = await grid.upload(once(content));
  const capability = parseCapability(text) as ChkReadCapability;
  const shares = await shareFiles(lab, text);
  const bytes = new Map<number, Buffer>();
  for (const share of shares) bytes.set(share.shareNumber, await shareBytes(share));
  return { content, text, capability, shares, bytes };
}

/** A share without its container. */
export async function shareBytes({ path }: ShareFile): Promise<Buffer> {
  const file = await readFile(path);
  return file.subarray(containerHeaderSize, containerHeaderSize + file.readUInt32BE(4));
}

/**
 * Expects all shares (or `count`) to be there, and each that is there to be the original byte for byte, but for some.
 *
 * @param but paths of those that may be anything
 */
export async function expectSameShares(
  lab: Lab,
  { text, bytes }: StoredWithShares,
  but: readonly string[] = [],
  count = bytes.size,
): Promise<ShareFile[]> {
  const now = await shareFiles(lab, text);
  for (const share of now) {
    if (but.includes(share.path)) continue;
    const equal = bytes.get(share.shareNumber)?.equals(await shareBytes(share));
    expect([share.path, equal]).toEqual([share.path, true]);
  }
  const good = now.filter(({ path }) => !but.includes(path));
  expect(new Set(good.map(({ shareNumber }) => shareNumber)).size).toBe(count);
  return now;
}

/** Changes the first block of a share. */
export async function flipBlock(share: ShareFile): Promise<void> {
  await flipByte(share, (await headerOf(share)).sections.data.offset);
}
