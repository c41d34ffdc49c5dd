import { expect, it } from 'vitest';
import { isRefusalReason } from './index.js';

it('knows the name of a reason from any other text', () => {
  expect(isRefusalReason('account-frozen')).toBe(true);
  for (const other of ['', 'Account-Frozen', 'toString', '__proto__', undefined, ['account-frozen']])
    expect(isRefusalReason(other)).toBe(false);
});
