import { expect, it } from 'vitest';
import { newIndex } from '../testing/new-shares.js';
import { packAddresses, unpackAddresses } from './packed-addresses.js';

it('packed addresses are those that were packed, in their order, also after a copy', () => {
  const shares = Array.from({ length: 5 }, (_, position) => ({
    storageIndex: newIndex(),
    shareNumber: position * 60,
  }));
  expect(unpackAddresses(structuredClone(packAddresses(shares)))).toEqual(shares);
  expect(unpackAddresses(packAddresses([]))).toEqual([]);
});
