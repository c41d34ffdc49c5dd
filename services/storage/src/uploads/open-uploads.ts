import type { ShareAddress } from '@holdfast/lafs';
import { keyOf } from '../records/share-records.js';
import type { Upload } from './upload.js';

/** Held in the place of an upload while it is not yet known whether it can be one. */
export const beginning = Symbol('beginning');
/** Held there after an upload until its record is gone, so that the share is not begun anew before. */
export const leaving = Symbol('leaving');

/** The places of shares on their way in: one upload at a time for each share, counted by account. */
export class OpenUploads {
  readonly #places = new Map<string, Upload | typeof beginning | typeof leaving>();
  readonly #byAccount = new Map<number, number>();

  /** How many places are taken. */
  get count(): number {
    return this.#places.size;
  }

  /** How many of them an account has. */
  of(account: number): number {
    return this.#byAccount.get(account) ?? 0;
  }

  /** What is in a share's place; undefined where it is free. */
  at(share: ShareAddress): Upload | typeof beginning | typeof leaving | undefined {
    return this.#places.get(keyOf(share));
  }

  /** Takes a free place for an account. */
  begin(share: ShareAddress, account: number): void {
    this.#places.set(keyOf(share), beginning);
    this.#byAccount.set(account, this.of(account) + 1);
  }

  /** Puts something else in a place that is taken. */
  put(share: ShareAddress, what: Upload | typeof leaving): void {
    this.#places.set(keyOf(share), what);
  }

  /** Frees a place. */
  free(share: ShareAddress, account: number): void {
    this.#places.delete(keyOf(share));
    const left = this.of(account) - 1;
    if (left > 0) this.#byAccount.set(account, left);
    else this.#byAccount.delete(account);
  }

  values(): Iterable<Upload | typeof beginning | typeof leaving> {
    return this.#places.values();
  }
}
