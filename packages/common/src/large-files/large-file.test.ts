import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LargeFile } from './large-file.js';

const mebibyte = 1024 * 1024;

let dir: string;
let path: string;
let descriptor: number;
let file: LargeFile;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-large-files-'));
  path = join(dir, 'file');
  descriptor = openSync(path, 'w+');
  file = new LargeFile(descriptor);
});

afterEach(async () => {
  await file.close();
  closeSync(descriptor);
  await rm(dir, { recursive: true });
});

/** Cuts bytes up as a connection would: into pieces of no particular size. */
function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

describe('LargeFile', () => {
  it.each([
    ['whole pages', 0, 4 * 4096 * 40],
    ['less than a page', 10, 100],
    ['a first and a last page in part', 12, 700_001],
    ['several aligned buffers', 4095, 3 * mebibyte + 4097],
    ['nothing', 7, 0],
  ])('writes %s where they belong', async (_, position, length) => {
    const before = randomBytes(position);
    const content = randomBytes(length);
    await file.write(0, [before]);
    await file.write(position, inPieces(content, 16_411));
    expect(readFileSync(path).equals(Buffer.concat([before, content]))).toBe(true);
  });

  it('keeps what stands beside a piece in the same page, whichever is written first', async () => {
    const content = randomBytes(3_000_000);
    const cuts = [0, 699_064, 1_398_116, 2_097_168, 3_000_000];
    for (const index of [2, 0, 3, 1]) {
      const begin = cuts[index] as number;
      await file.write(begin, [content.subarray(begin, cuts[index + 1])]);
    }
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('writes many pieces at a time', async () => {
    const content = randomBytes(12 * mebibyte);
    const size = 1_000_003;
    await Promise.all(
      inPieces(content, size).map((piece, index) => file.write(index * size, inPieces(piece, 65_536))),
    );
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('overwrites what was written, through the cache and past it', async () => {
    const content = randomBytes(mebibyte);
    await file.write(0, [randomBytes(mebibyte)]);
    await file.write(0, [content]);
    await file.write(5_000, [Buffer.from('changed')]);
    const expected = Buffer.from(content);
    expected.write('changed', 5_000);
    const read = Buffer.alloc(mebibyte);
    expect(await file.read(0, read)).toBe(mebibyte);
    expect(read.equals(expected)).toBe(true);
  });

  it.each([
    ['a part in the middle', 4_097, 900_000],
    ['more than one aligned buffer', 12, 2_500_000],
    ['little', 3, 50],
  ])('reads %s', async (_, position, length) => {
    const content = randomBytes(2_600_000);
    await file.write(0, [content]);
    for (const into of [Buffer.alloc(length), Buffer.from(new SharedArrayBuffer(length))]) {
      expect(await file.read(position, into)).toBe(length);
      expect(into.equals(content.subarray(position, position + length))).toBe(true);
    }
  });

  it('reads less where the file ends, and nothing beyond', async () => {
    const content = randomBytes(500_001);
    await file.write(0, [content]);
    const into = Buffer.alloc(400_000);
    expect(await file.read(200_000, into)).toBe(300_001);
    expect(into.subarray(0, 300_001).equals(content.subarray(200_000))).toBe(true);
    expect(await file.read(700_000, into)).toBe(0);
  });

  it('writes and reads a file without a name', async () => {
    const content = randomBytes(mebibyte + 5);
    unlinkSync(path);
    await file.write(0, [content]);
    const into = Buffer.alloc(content.length);
    expect(await file.read(0, into)).toBe(content.length);
    expect(into.equals(content)).toBe(true);
  });

  it('goes through the cache once direct transfers have ended', async () => {
    const content = randomBytes(mebibyte);
    await file.close();
    await file.write(0, [content]);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('waits with its end for what is under way', async () => {
    const content = randomBytes(4 * mebibyte);
    const writing = file.write(0, [content]);
    await file.close();
    expect(readFileSync(path).equals(content)).toBe(true);
    await writing;
  });

  it('tells of an error of the system', async () => {
    const readOnly = openSync(path, 'r');
    const unwritable = new LargeFile(readOnly);
    try {
      await expect(unwritable.write(1, [randomBytes(100)])).rejects.toMatchObject({ code: 'EBADF' });
    } finally {
      await unwritable.close();
      closeSync(readOnly);
    }
  });
});
