import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BatchPlacer, type Placing, syncFolder } from './place-batch.js';

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
  return { source: { descriptor }, from, folder: join(root, folder), name };
}

describe('placing a batch of shares', () => {
  it('moves each to its place and makes the folders on the way', () => {
    const batch = [incoming('0', 'aa/aaaa'), incoming('5', 'aa/aaaa'), incoming('1', 'bb/bbbb')];
    expect(new BatchPlacer().place(batch)).toEqual([undefined, undefined, undefined]);
    expect(readdirSync(join(root, 'aa', 'aaaa')).sort()).toEqual(['0', '5']);
    expect(readFileSync(join(root, 'bb', 'bbbb', '1'), 'utf8')).toBe('share 1');
    expect(readdirSync(root).sort()).toEqual(['aa', 'bb']);
  });

  it('makes the file of a share that is only in memory, whether its folder is still there or not', () => {
    const held = (name: string): Placing => ({
      source: { contents: Buffer.from(`held ${name}`) },
      from: join(root, 'incoming', name),
      folder: join(root, 'aa', 'aaaa'),
      name,
    });
    expect(new BatchPlacer().place([held('0'), incoming('5', 'aa/aaaa'), held('7')])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(readFileSync(join(root, 'aa', 'aaaa', '0'), 'utf8')).toBe('held 0');
    expect(readFileSync(join(root, 'aa', 'aaaa', '7'), 'utf8')).toBe('held 7');
    expect(readdirSync(join(root, 'incoming'))).toEqual([]);
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

  it('fails just the shares whose folders cannot be synced', () => {
    const failing = join(root, 'aa', 'aaaa');
    const placer = new BatchPlacer((folder) => {
      if (folder === failing) throw Object.assign(new Error('broken disk'), { code: 'EIO' });
      syncFolder(folder);
    });
    const batch = [incoming('0', 'aa/aaaa'), incoming('1', 'aa/aabb'), incoming('0', 'bb/bbbb')];
    expect(placer.place(batch)).toEqual([{ code: 'EIO', message: 'broken disk' }, undefined, undefined]);
  });

  it('fails every share below a folder that cannot be synced', () => {
    const placer = new BatchPlacer((folder) => {
      if (folder === join(root, 'aa')) throw Object.assign(new Error('broken disk'), { code: 'EIO' });
      syncFolder(folder);
    });
    const batch = [
      incoming('0', 'aa/aaaa'),
      incoming('1', 'aa/aaaa'),
      incoming('0', 'aa/aabb'),
      incoming('0', 'bb/bbbb'),
    ];
    expect(placer.place(batch).map((failure) => failure?.code)).toEqual(['EIO', 'EIO', 'EIO', undefined]);
    for (const folder of ['aaaa', 'aabb']) expect(readdirSync(join(root, 'aa', folder))).toEqual([]);
    expect(readdirSync(join(root, 'bb', 'bbbb'))).toEqual(['0']);
  });

  it('takes a share that failed from its place again, but leaves one that was there before', () => {
    new BatchPlacer().place([incoming('0', 'aa/aaaa')]);
    let broken = true;
    const placer = new BatchPlacer((folder) => {
      if (broken) throw Object.assign(new Error('broken disk'), { code: 'EIO' });
      syncFolder(folder);
    });
    const failures = placer.place([incoming('0', 'aa/aaaa'), incoming('1', 'aa/aaaa')]);
    expect(failures.map((failure) => failure?.code)).toEqual(['EIO', 'EIO']);
    expect(readdirSync(join(root, 'aa', 'aaaa'))).toEqual(['0']);
    expect(readFileSync(join(root, 'aa', 'aaaa', '0'), 'utf8')).toBe('share 0');
    broken = false;
    expect(placer.place([incoming('1', 'aa/aaaa')])).toEqual([undefined]);
    expect(readdirSync(join(root, 'aa', 'aaaa'))).toEqual(['0', '1']);
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
