import type { ShareAddress } from '@holdfast/lafs';
import type { SweepRecords } from './sweep-records.js';

/** Shares looked at by one statement. */
const pageSize = 2_000;

/**
 * The daily look through all shares of a server for such as have no lease, page by page: only a lease that runs out makes
 * a share go, so whatever has none is given one.
 */
export class Sweep {
  readonly #records: Pick<SweepRecords, 'isDue' | 'leaseNext' | 'done'>;
  readonly #leaseDuration: number;
  #at: 'unknown' | 'not-due' | 'end' | { readonly after: ShareAddress | undefined } = 'unknown';

  /** @param leaseDuration milliseconds */
  constructor(records: Pick<SweepRecords, 'isDue' | 'leaseNext' | 'done'>, leaseDuration: number) {
    this.#records = records;
    this.#leaseDuration = leaseDuration;
  }

  /**
   * Looks at the next page, if today's look is not over; a page that failed comes again.
   *
   * @returns whether there is another, and how many leases were begun
   */
  async next(): Promise<{ more: boolean; leased: number }> {
    if (this.#at === 'unknown') this.#at = (await this.#records.isDue()) ? { after: undefined } : 'not-due';
    if (typeof this.#at === 'string') return { more: false, leased: 0 };
    const { last, leased } = await this.#records.leaseNext(this.#at.after, pageSize, this.#leaseDuration);
    this.#at = last ? { after: last } : 'end';
    return { more: last !== undefined, leased };
  }

  /** Notes that today's look is over, if all were looked at. */
  async end(): Promise<void> {
    if (this.#at === 'end') await this.#records.done();
  }
}
