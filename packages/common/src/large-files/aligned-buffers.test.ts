import { describe, expect, it } from 'vitest';
import { alignedBufferSize, withAlignedBuffer } from './aligned-buffers.js';

describe('withAlignedBuffer', () => {
  it('lends each buffer to one at a time, and lets the others wait', async () => {
    const lent = new Set<number>();
    let most = 0;
    const use = async (index: number) => {
      await withAlignedBuffer(async (buffer) => {
        expect(lent.has(buffer.byteOffset)).toBe(false);
        expect(buffer.length).toBe(alignedBufferSize);
        lent.add(buffer.byteOffset);
        most = Math.max(most, lent.size);
        await new Promise((resolve) => setTimeout(resolve, index % 3));
        lent.delete(buffer.byteOffset);
      });
    };
    await Promise.all(Array.from({ length: 30 }, (_, index) => use(index)));
    expect(lent.size).toBe(0);
    expect(most).toBe(4);
  });

  it('gets a buffer back from work that fails', async () => {
    for (let round = 0; round < 10; round++) {
      const failing = withAlignedBuffer(async () => {
        throw new Error('the disk is gone');
      });
      await expect(failing).rejects.toThrow('the disk is gone');
    }
    expect(await withAlignedBuffer(async ({ length }) => length)).toBe(alignedBufferSize);
  });
});
