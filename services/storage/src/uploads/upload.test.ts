import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@holdfast/common/logging';
import { containerHeaderSize, sharePath } from '@holdfast/lafs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DiskShareBackend } from '../share-backend/disk-share-backend.js';
import { StorageError } from '../storage-error.js';
import { Upload } from './upload.js';

const size = 48;
const right = Uint8Array.from({ length: size }, (_, index) => index);
let root: string;
let backend: DiskShareBackend;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-upload-'));
  backend = new DiskShareBackend(root, silentLogger());
  await backend.open();
});
afterAll(async () => {
  await backend.close();
  await rm(root, { recursive: true });
});

let count = 0;
function newUpload(): Upload {
  const storageIndex = new Uint8Array(16);
  new DataView(storageIndex.buffer).setUint32(0, ++count);
  const share = { storageIndex, shareNumber: 0 };
  const secret = new Uint8Array(32);
  const incoming = backend.begin(share, {
    dataSize: size,
    lease: { owner: 1, renewSecret: secret, cancelSecret: secret, expiresAt: 0 },
  });
  return new Upload({ share, size, secret, account: 1, space: size, incoming });
}

interface Write {
  begin: number;
  end: number;
  /** Where its bytes are cut into pieces. */
  cut: number;
  /** A byte of it that is wrong. */
  wrong: number | undefined;
}

const write: fc.Arbitrary<Write> = fc
  .tuple(
    fc.nat(size - 1),
    fc.nat(size - 1),
    fc.nat(size),
    fc.option(fc.nat(size - 1), { nil: undefined, freq: 4 }),
  )
  .map(([a, b, cut, wrong]) => {
    const [begin, end] = [Math.min(a, b), Math.max(a, b) + 1];
    return {
      begin,
      end,
      cut: cut % (end - begin),
      wrong: wrong === undefined ? undefined : begin + (wrong % (end - begin)),
    };
  });

function send(upload: Upload, { begin, end, cut, wrong }: Write): Promise<number> {
  const bytes = right.slice(begin, end);
  if (wrong !== undefined) bytes[wrong - begin]! ^= 0xff;
  return upload.write({ begin, end }, async (take) => {
    if (cut > 0) await take(0, [bytes.subarray(0, cut)]);
    await take(cut, [bytes.subarray(cut)]);
  });
}

describe('an upload', () => {
  it('holds what was written first, whatever overlaps, repeats or disagrees', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 12 }), fc.boolean(), async (writes, together) => {
        const upload = newUpload();
        // One byte after another, in the plainest way: undefined is not written.
        const model: (number | undefined)[] = Array(size).fill(undefined);
        if (together) {
          // Right bytes at once, however they overlap, all go in.
          const good = writes.map((each) => ({ ...each, wrong: undefined }));
          await Promise.all(good.map((each) => send(upload, each)));
          for (const { begin, end } of good) for (let at = begin; at < end; at++) model[at] = right[at];
        } else {
          for (const each of writes) {
            const byte = (at: number) => (at === each.wrong ? right[at]! ^ 0xff : right[at]!);
            const range = Array.from({ length: each.end - each.begin }, (_, index) => each.begin + index);
            const conflict = range.some((at) => model[at] !== undefined && model[at] !== byte(at));
            const news = range.filter((at) => model[at] === undefined);
            if (conflict) {
              await expect(send(upload, each)).rejects.toMatchObject({ code: 'conflicting-write' });
            } else {
              expect(await send(upload, each)).toBe(news.length);
              for (const at of range) model[at] = byte(at);
            }
          }
        }
        expect(upload.written).toBe(model.filter((byte) => byte !== undefined).length);
        const missing = upload.required.flatMap(({ begin, end }) =>
          Array.from({ length: end - begin }, (_, index) => begin + index),
        );
        expect(missing).toEqual(model.flatMap((byte, at) => (byte === undefined ? [at] : [])));

        // What is missing comes, and the share is what was acknowledged, byte for byte.
        for (const { begin, end } of upload.required)
          await send(upload, { begin, end, cut: 0, wrong: undefined });
        expect(upload.complete).toBe(true);
        await upload.place();
        await upload.end();
        const file = await readFile(join(root, sharePath(upload.share.storageIndex, 0)));
        const data = file.subarray(containerHeaderSize, containerHeaderSize + size);
        expect([...data]).toEqual(model.map((byte, at) => byte ?? right[at]));
      }),
      { numRuns: 100 },
    );
  });

  it('a range whose transfer fails does not count', async () => {
    const upload = newUpload();
    const failing = upload.write({ begin: 0, end: 20 }, async (take) => {
      await take(0, [right.subarray(0, 10)]);
      throw new Error('gone');
    });
    await expect(failing).rejects.toThrow('gone');
    expect(upload.required).toEqual([{ begin: 0, end: size }]);
    await upload.end();
  });

  it('that ended takes nothing more, and leaves no file', async () => {
    const upload = newUpload();
    await send(upload, { begin: 0, end: 10, cut: 5, wrong: undefined });
    await upload.end();
    await expect(send(upload, { begin: 10, end: 20, cut: 0, wrong: undefined })).rejects.toThrow(
      StorageError,
    );
    expect(await backend.list(upload.share.storageIndex)).toEqual(new Set());
  });
});
