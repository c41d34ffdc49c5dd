import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BatchPlacer } from './place-batch.js';
import { removeBatch } from './remove-batch.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-remove-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const place = (folder: string, name: string) => ({ folder: join(root, folder), name });
function stored(folder: string, name: string) {
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, folder, name), `share ${name}`);
}

describe('removing a batch of shares', () => {
  it('takes away shares and the folders that this leaves empty, and no others', () => {
    stored('aa/aaaa', '0');
    stored('aa/aaaa', '1');
    stored('aa/aabb', '0');
    expect(removeBatch([place('aa/aaaa', '0'), place('aa/aabb', '0')])).toEqual([undefined, undefined]);
    expect(readdirSync(join(root, 'aa'))).toEqual(['aaaa']);
    expect(readdirSync(join(root, 'aa', 'aaaa'))).toEqual(['1']);
  });

  it('has nothing against a share that is gone, and says why one stays', () => {
    mkdirSync(join(root, 'bb', 'bbbb', '5'), { recursive: true });
    const [gone, stays] = removeBatch([place('aa/aaaa', '0'), place('bb/bbbb', '5')]);
    expect(gone).toBeUndefined();
    expect(stays?.code).toMatch(/EISDIR|EPERM/);
  });

  it('lets a share be placed in a folder that was just removed, by who knew it to be there', () => {
    const placer = new BatchPlacer();
    const placing = () => ({
      source: { contents: Buffer.from('share') },
      from: join(root, 'incoming', '0'),
      ...place('aa/aaaa', '0'),
    });
    expect(placer.place([placing()])).toEqual([undefined]);
    expect(removeBatch([place('aa/aaaa', '0')])).toEqual([undefined]);
    expect(placer.place([placing()])).toEqual([undefined]);
    expect(readdirSync(join(root, 'aa', 'aaaa'))).toEqual(['0']);
  });
});
