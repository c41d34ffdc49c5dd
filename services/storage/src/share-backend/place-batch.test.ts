import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BatchPlacer, type Placing } from './place-batch.js';

let root: string;
let descriptors: number[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-place-'));
  descriptors = [];
});
afterEach(() => {
  for (const descriptor of descriptors) closeSync(descriptor);
  rmSync(root, { recursive: true });
});

function incoming(name: string, folder: string): Placing {
  const from = join(root, `incoming-${folder.replaceAll('/', '-')}-${name}`);
  writeFileSync(from, `share ${name}`);
  const descriptor = openSync(from, 'r+');
  descriptors.push(descriptor);
  return { descriptor, from, folder: join(root, folder), name };
}

describe('placing a batch of shares', () => {
  it('moves each to its place and makes the folders on the way', () => {
    const batch = [incoming('0', 'aa/aaaa'), incoming('5', 'aa/aaaa'), incoming('1', 'bb/bbbb')];
    expect(new BatchPlacer().place(batch)).toEqual([undefined, undefined, undefined]);
    expect(readdirSync(join(root, 'aa', 'aaaa')).sort()).toEqual(['0', '5']);
    expect(readFileSync(join(root, 'bb', 'bbbb', '1'), 'utf8')).toBe('share 1');
    expect(readdirSync(root).sort()).toEqual(['aa', 'bb']);
  });

  it('places the others when one fails, and says why that one did', () => {
    writeFileSync(join(root, 'cc'), 'a file where a folder should be');
    const batch = [incoming('0', 'aa/aaaa'), incoming('1', 'cc/cccc'), incoming('2', 'bb/bbbb')];
    expect(new BatchPlacer().place(batch)).toEqual([
      undefined,
      { code: 'ENOTDIR', message: expect.stringContaining('not a directory') },
      undefined,
    ]);
    expect(readdirSync(join(root, 'bb', 'bbbb'))).toEqual(['2']);
  });

  it('makes a folder anew that somebody removed under it', () => {
    const placer = new BatchPlacer();
    placer.place([incoming('0', 'aa/aaaa')]);
    rmSync(join(root, 'aa'), { recursive: true });
    const [failure] = placer.place([incoming('1', 'aa/aaaa')]);
    expect(failure).toBeUndefined();
    expect(readdirSync(join(root, 'aa', 'aaaa'))).toEqual(['1']);
  });
});
