import { timingSafeEqual } from 'node:crypto';
import type { ReadVector, ShareChange } from '@holdfast/lafs';
import { StorageError } from '../storage-error.js';
import { mostReadAtOnce } from './limits.js';
import type { MutableFile } from './mutable-file.js';
import { holds, readUpTo } from './plan-change.js';
import type { OpenSlot } from './slot-folder.js';

/**
 * @param writes whether the request would change the slot
 * @throws StorageError `wrong-write-enabler` where any share was made with another; `share-damaged` where the slot is to
 *   be changed and none of its shares can tell with which it was made
 */
export function checkWriteEnabler(
  { shares, damaged }: OpenSlot,
  writeEnabler: Uint8Array,
  writes: boolean,
): void {
  if (writes && shares.size === 0 && damaged.size > 0) {
    throw new StorageError(
      'share-damaged',
      'all shares at this storage index are damaged here: nothing is written until one can be read again',
    );
  }
  for (const { layout } of shares.values()) {
    if (
      layout.writeEnabler.length !== writeEnabler.length ||
      !timingSafeEqual(layout.writeEnabler, writeEnabler)
    ) {
      throw new StorageError('wrong-write-enabler', 'this slot was made with another write enabler');
    }
  }
}

/**
 * Reads from every share of a slot.
 *
 * @throws StorageError `read-too-large`
 */
export async function readAll(
  shares: ReadonlyMap<number, MutableFile>,
  vectors: readonly ReadVector[],
): Promise<ReadonlyMap<number, Uint8Array[]>> {
  let total = 0;
  for (const share of shares.values()) {
    for (const { offset, size } of vectors) total += Math.min(size, Math.max(0, share.size - offset));
  }
  if (total > mostReadAtOnce) {
    throw new StorageError(
      'read-too-large',
      `one request may read ${mostReadAtOnce} bytes of a slot: read its shares one by one`,
    );
  }
  const data = new Map<number, Uint8Array[]>();
  for (const [shareNumber, share] of shares) {
    data.set(
      shareNumber,
      await Promise.all(vectors.map(({ offset, size }) => readUpTo(share, offset, size))),
    );
  }
  return data;
}

/** Whether the tests of all shares hold. */
export async function allHold(
  shares: ReadonlyMap<number, MutableFile>,
  changes: ReadonlyMap<number, ShareChange>,
): Promise<boolean> {
  for (const [shareNumber, { test }] of changes) {
    for (const vector of test) if (!(await holds(shares.get(shareNumber), vector))) return false;
  }
  return true;
}
