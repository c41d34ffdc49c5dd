import type { ShareChange, TestVector, WriteVector } from '@holdfast/lafs';

/** Bytes of a share that can be read: of its data, which it has `size` bytes of. */
export interface ReadableShare {
  readonly size: number;
  /** Reads a range that lies within the data. */
  read(range: { readonly begin: number; readonly end: number }): Promise<Uint8Array>;
}

/** What a change makes of a share. */
export type PlannedShare =
  | { readonly outcome: 'unchanged' }
  | { readonly outcome: 'removed' }
  /** Has `size` bytes of data from now on, after `writes` in this order. */
  | { readonly outcome: 'written'; readonly size: number; readonly writes: readonly WriteVector[] };

/**
 * What a change makes of a share, as the running peer does: the writes come first; then a new length cuts the share, but
 * never extends it, and 0 removes it. A share that is named and not there comes to be, even without a byte.
 *
 * @param before bytes of data that it has; undefined where it is not there
 */
export function planChange(before: number | undefined, { write, newLength }: ShareChange): PlannedShare {
  if (newLength === 0) return { outcome: before === undefined ? 'unchanged' : 'removed' };
  const writes = write.filter(({ data }) => data.length > 0);
  let size = before ?? 0;
  for (const { offset, data } of writes) size = Math.max(size, offset + data.length);
  if (newLength !== null) size = Math.min(size, newLength);
  if (writes.length === 0 && size === before) return { outcome: 'unchanged' };
  return { outcome: 'written', size, writes };
}

/** Whether a share's bytes are as a test wants them; `share` is undefined where it is not there. */
export async function holds(
  share: ReadableShare | undefined,
  { offset, size, specimen }: TestVector,
): Promise<boolean> {
  // What is not as long as the specimen differs from it, however it reads.
  const available = Math.min(size, Math.max(0, (share?.size ?? 0) - offset));
  return available === specimen.length && Buffer.compare(await readUpTo(share, offset, size), specimen) === 0;
}

/** Reads what there is of `size` bytes from `offset` on. */
export async function readUpTo(
  share: ReadableShare | undefined,
  offset: number,
  size: number,
): Promise<Uint8Array> {
  if (!share || offset >= share.size || size === 0) return new Uint8Array();
  return share.read({ begin: offset, end: Math.min(offset + size, share.size) });
}
