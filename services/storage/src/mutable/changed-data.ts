import type { WriteVector } from '@holdfast/lafs';
import { type ReadableShare, readUpTo } from './plan-change.js';

const defaultWindow = 1024 * 1024;

/**
 * The data of a share after some writes, window by window in order: so the memory for it does not grow with the share,
 * nor the number of writes to the disk with that of the vectors. Where nothing was and nothing is written are zeros.
 *
 * @param before the share as it was; undefined where it was not there
 * @param size bytes it has afterwards; what is written past them is left out
 * @param writes in the order in which they are done
 */
export async function* changedData(
  before: ReadableShare | undefined,
  size: number,
  writes: readonly WriteVector[],
  window = defaultWindow,
): AsyncGenerator<Uint8Array> {
  const touching = writesByWindow(writes, size, window);
  for (let begin = 0; begin < size; begin += window) {
    const end = Math.min(begin + window, size);
    const here = touching.get(begin / window) ?? [];
    const last = here.at(-1);
    if (last && last.offset <= begin && last.offset + last.data.length >= end) {
      yield last.data.subarray(begin - last.offset, end - last.offset);
      continue;
    }
    const data = Buffer.alloc(end - begin);
    data.set(await readUpTo(before, begin, end - begin));
    for (const write of here) {
      const from = Math.max(write.offset, begin);
      const to = Math.min(write.offset + write.data.length, end);
      data.set(write.data.subarray(from - write.offset, to - write.offset), from - begin);
    }
    yield data;
  }
}

function writesByWindow(
  writes: readonly WriteVector[],
  size: number,
  window: number,
): ReadonlyMap<number, readonly WriteVector[]> {
  const touching = new Map<number, WriteVector[]>();
  for (const write of writes) {
    if (write.offset >= size) continue;
    const end = Math.min(write.offset + write.data.length, size);
    for (let index = Math.floor(write.offset / window); index * window < end; index++) {
      const known = touching.get(index);
      if (known) known.push(write);
      else touching.set(index, [write]);
    }
  }
  return touching;
}
