import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { piecesOf, spool, tightSizes } from './spool.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-spool-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function* pieces(content: Uint8Array, size: number) {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

const content = Buffer.from(Array.from({ length: 3_000_017 }, (_, i) => (i * 7 + (i >> 8)) & 255));

const writeSize = 2 ** 20;

describe('the spool', () => {
  it('keeps a small file in memory and asks for no observer', async () => {
    const file = await spool(pieces(content.subarray(0, 1000), 100), {
      dir: join(dir, 'never-made'),
      inMemory: 1000,
      writeSize,
      large: 1000,
      observeLarge: () => {
        throw new Error('not large');
      },
    });
    expect(file.size).toBe(1000);
    expect(Buffer.from(await file.read(990, 50))).toEqual(content.subarray(990, 1000));
    expect(await readdir(dir)).toEqual([]);
    await file.close();
  });

  it.each([100, 65_536, 2_000_000])(
    'gives back a large file that came in pieces of %i bytes',
    async (size) => {
      const hash = createHash('sha256');
      const file = await spool(pieces(content, size), {
        dir,
        inMemory: 1000,
        writeSize,
        large: 1000,
        observeLarge: () => hash,
      });
      expect(file.size).toBe(content.length);
      expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
      expect(Buffer.compare(await file.read(0, content.length), content)).toBe(0);
      expect(Buffer.from(await file.read(2_999_999, 100))).toEqual(content.subarray(2_999_999));
      await file.close();
    },
  );

  it.each([100, 65_536, 500_000])(
    'shows an observer what is on the disk already when a file in pieces of %i bytes turns out large',
    async (size) => {
      const hash = createHash('sha256');
      const file = await spool(pieces(content, size), {
        ...tightSizes,
        dir,
        large: 1_000_000,
        observeLarge: () => hash,
      });
      expect(file.memory).toBe(0);
      expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
      expect(Buffer.compare(await file.read(0, content.length), content)).toBe(0);
      await file.close();
    },
  );

  it('has a file on the disk, where memory is short, that is not large, and gives it in pieces', async () => {
    const medium = content.subarray(0, 700_000);
    const observeLarge = () => {
      throw new Error('not large');
    };
    const file = await spool(pieces(medium, 65_536), { ...tightSizes, dir, large: 700_000, observeLarge });
    expect(file.memory).toBe(0);
    const read: Uint8Array[] = [];
    for await (const piece of piecesOf(file)) read.push(piece);
    expect(Math.max(...read.map(({ length }) => length))).toBeLessThanOrEqual(tightSizes.writeSize);
    expect(Buffer.concat(read).equals(medium)).toBe(true);
    await file.close();
  });

  it('leaves no name on the disk, while it is open or after', async () => {
    const file = await spool(pieces(content, 65_536), {
      dir,
      inMemory: 0,
      writeSize,
      large: 0,
      observeLarge: () => createHash('sha256'),
    });
    expect(await readdir(dir)).toEqual([]);
    await file.close();
  });

  it('passes on the error of a source that breaks off', async () => {
    async function* broken() {
      yield content.subarray(0, 100_000);
      throw new Error('the client went away');
    }
    const observeLarge = () => createHash('sha256');
    const spooling = spool(broken(), { dir, inMemory: 10, writeSize, large: 10, observeLarge });
    await expect(spooling).rejects.toThrow('the client went away');
    expect(await readdir(dir)).toEqual([]);
  });
});
