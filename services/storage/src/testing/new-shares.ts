import { randomBytes } from 'node:crypto';
import type { ShareAddress } from '@holdfast/lafs';

/** A storage index at which nothing is stored yet. */
export function newIndex(): Uint8Array {
  return new Uint8Array(randomBytes(16));
}

/** The address of a share that is not stored yet. */
export function newShare(shareNumber = 0): ShareAddress {
  return { storageIndex: newIndex(), shareNumber };
}
