import { generateSigningKey, parseSigningKey } from '@holdfast/common/identity';
import { describe, expect, it } from 'vitest';
import { AccountCopyError, AccountCopySeal, type CopiedAccounts } from './account-copy.js';

const newKey = () => parseSigningKey(generateSigningKey());
const contents: CopiedAccounts = {
  servers: [{ key: 1, server_id: 'v0-a', description: { nickname: 's1' } }],
  accounts: [
    {
      key: 7,
      name: 'alice',
      created_at: '2026-01-01 00:00:00+00',
      state: 'frozen',
      quota: 5_000_000_000_000,
      lease_seconds: null,
    },
  ],
  credentials: [{ credential_hash: 'ab'.repeat(32), account: 7 }],
  sealed_secrets: [{ account: 7, keeper: 1, sealed: '01ff' }],
  lease_seconds: 2_678_400,
};

describe('the copy of the accounts', () => {
  it('is opened with the key of the node that wrote it, and shows nothing of what is in it', () => {
    const key = newKey();
    const sealed = new AccountCopySeal(key).seal(contents);
    expect(new AccountCopySeal(key).open(sealed)).toEqual(contents);
    expect(sealed.includes('alice')).toBe(false);
    expect(new AccountCopySeal(key).seal(contents).equals(sealed)).toBe(false);
  });

  it('is refused with another key, and where a single byte of it was changed or is missing', () => {
    const key = newKey();
    const sealed = new AccountCopySeal(key).seal(contents);
    expect(() => new AccountCopySeal(newKey()).open(sealed)).toThrow(AccountCopyError);
    for (let at = 0; at < sealed.length; at += 13) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => new AccountCopySeal(key).open(changed)).toThrow(AccountCopyError);
      expect(() => new AccountCopySeal(key).open(sealed.subarray(0, at))).toThrow(AccountCopyError);
    }
  });
});
