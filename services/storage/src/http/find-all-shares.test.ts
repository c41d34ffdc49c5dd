import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { findAllShares } from './find-all-shares.js';

const file = (name: number) => new Uint8Array(16).fill(name);
const question = (name: number) => ({ storageIndex: file(name), most: 0 });

describe('the shares of many files', () => {
  it('are answered in time without those of a file that a slow disk does not come up with', async () => {
    const looked: number[] = [];
    let awaken: (shares: ReadonlySet<number>) => void = () => undefined;
    const slow = new Promise<ReadonlySet<number>>((resolve) => {
      awaken = resolve;
    });
    const backend = {
      list: (storageIndex: Uint8Array) => {
        looked.push(storageIndex[0] ?? 0);
        return storageIndex[0] === 2 ? slow : Promise.resolve(new Set([storageIndex[0] ?? 0]));
      },
      read: () => Promise.reject(new Error('nothing is read where only numbers are wanted')),
    };
    const answers = await findAllShares(backend, [1, 2, 3].map(question), 300);
    const found = (name: number) => ({ shares: new Map(), others: new Set([name]) });
    expect(answers).toEqual([found(1), null, found(3)]);
    awaken(new Set([2]));
    await turn();
    expect(answers[1]).toBeNull();
    expect(looked).toEqual([1, 2, 3]);
  });

  it('are looked for no more when the time is over', async () => {
    const looked: number[] = [];
    const backend = {
      list: (storageIndex: Uint8Array) => {
        looked.push(storageIndex[0] ?? 0);
        return new Promise<ReadonlySet<number>>((resolve) => setTimeout(resolve, 40, new Set([1])));
      },
      read: () => Promise.resolve(undefined),
    };
    const files = Array.from({ length: 20 }, (_, name) => question(name));
    const answers = await findAllShares(backend, files, 10);
    expect(answers).toEqual(files.map(() => null));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(looked).toHaveLength(8);
  });
});
