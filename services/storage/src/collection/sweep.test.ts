import type { ShareAddress } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { Sweep } from './sweep.js';

const share = (shareNumber: number): ShareAddress => ({ storageIndex: new Uint8Array(16), shareNumber });

/** Records of three pages of shares, the last of them empty. */
class ThreePages {
  readonly asked: (number | undefined)[] = [];
  fails = 0;
  over = false;

  constructor(private readonly due: boolean) {}

  async isDue() {
    return this.due;
  }

  async leaseNext(after: ShareAddress | undefined) {
    if (this.fails-- > 0) throw new Error('cut off');
    this.asked.push(after?.shareNumber);
    const page = this.asked.length;
    return { last: page < 3 ? share(page) : undefined, leased: page };
  }

  async done() {
    this.over = true;
  }
}

describe('the daily look', () => {
  it('goes on from page to page, and is noted when it is over', async () => {
    const records = new ThreePages(true);
    const sweep = new Sweep(records, 1_000);
    expect(await sweep.next()).toEqual({ more: true, leased: 1 });
    expect(await sweep.next()).toEqual({ more: true, leased: 2 });
    await sweep.end();
    expect(records.over).toBe(false);
    expect(await sweep.next()).toEqual({ more: false, leased: 3 });
    expect(await sweep.next()).toEqual({ more: false, leased: 0 });
    expect(records.asked).toEqual([undefined, 1, 2]);
    await sweep.end();
    expect(records.over).toBe(true);
  });

  it('comes back to a page that failed', async () => {
    const records = new ThreePages(true);
    const sweep = new Sweep(records, 1_000);
    await sweep.next();
    records.fails = 1;
    await expect(sweep.next()).rejects.toThrow('cut off');
    expect(await sweep.next()).toEqual({ more: true, leased: 2 });
    expect(records.asked).toEqual([undefined, 1]);
  });

  it('looks at nothing where it is not due', async () => {
    const records = new ThreePages(false);
    const sweep = new Sweep(records, 1_000);
    expect(await sweep.next()).toEqual({ more: false, leased: 0 });
    await sweep.end();
    expect([records.asked, records.over]).toEqual([[], false]);
  });
});
