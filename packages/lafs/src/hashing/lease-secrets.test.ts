import { expect, test } from 'vitest';
import { fromHex, readFixture, toHex } from '../testing/fixtures.js';
import { deriveLeaseSecrets } from './lease-secrets.js';

interface Case {
  readonly leaseSecret: string;
  readonly storageIndex: string;
  readonly tubId: string;
  readonly renew: string;
  readonly cancel: string;
}

const { cases } = readFixture<{ cases: Case[] }>('leases.json');

test.each(cases)('lease secrets are those of the peer: $storageIndex', (each) => {
  const secrets = deriveLeaseSecrets(
    fromHex(each.leaseSecret),
    fromHex(each.storageIndex),
    fromHex(each.tubId),
  );
  expect(toHex(secrets.renew)).toBe(each.renew);
  expect(toHex(secrets.cancel)).toBe(each.cancel);
});

test('a tub id in base32 is refused: the raw bytes are hashed', () => {
  const tubId = Buffer.from('2uxmzoqqimpdwowxr24q6w5ekmxcymby');
  expect(() => deriveLeaseSecrets(new Uint8Array(32), new Uint8Array(16), tubId)).toThrow(RangeError);
});
