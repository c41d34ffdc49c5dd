import { base32Encode, type ShareAddress } from '@holdfast/lafs';
import { keyOf } from '../records/share-records.js';
import type { Upload } from './upload.js';

/** Held in the place of an upload while it is not yet known whether it can be one. */
export const beginning = Symbol('beginning');
/** Held there after an upload until its record is gone, so that the share is not begun anew before. */
export const leaving = Symbol('leaving');

/** The places of shares on their way in: one upload at a time for each share, counted by account and by storage index. */
export class OpenUploads {
  readonly #places = new Map<string, Upload | typeof beginning | typeof leaving>();
  readonly #byAccount = new Map<number, number>();
  readonly #byStorageIndex = new Map<string, number>();

  /** How many places are taken. */
  get count(): number {
    return this.#places.size;
  }

  /** How many of them an account has. */
  of(account: number): number {
    return this.#byAccount.get(account) ?? 0;
  }

  /** Whether any place of a storage index is taken. */
  anyAt(storageIndex: Uint8Array): boolean {
    return this.#byStorageIndex.has(base32Encode(storageIndex));
  }

  /** What is in a share's place; undefined where it is free. */
  at(share: ShareAddress): Upload | typeof beginning | typeof leaving | undefined {
    return this.#places.get(keyOf(share));
  }

  /** Takes a free place for an account. */
  begin(share: ShareAddress, account: number): void {
    this.#places.set(keyOf(share), beginning);
    count(this.#byAccount, account, 1);
    count(this.#byStorageIndex, base32Encode(share.storageIndex), 1);
  }

  /** Puts something else in a place that is taken. */
  put(share: ShareAddress, what: Upload | typeof leaving): void {
    this.#places.set(keyOf(share), what);
  }

  /** Frees a place. */
  free(share: ShareAddress, account: number): void {
    if (!this.#places.delete(keyOf(share))) return;
    count(this.#byAccount, account, -1);
    count(this.#byStorageIndex, base32Encode(share.storageIndex), -1);
  }

  values(): Iterable<Upload | typeof beginning | typeof leaving> {
    return this.#places.values();
  }
}

/** Counts one more of something, or one less; what there is none of is not kept. */
function count<Key>(counts: Map<Key, number>, key: Key, change: 1 | -1): void {
  const now = (counts.get(key) ?? 0) + change;
  if (now > 0) counts.set(key, now);
  else counts.delete(key);
}
