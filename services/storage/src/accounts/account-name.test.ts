import { describe, expect, it } from 'vitest';
import { checkAccountName } from './account-name.js';

describe('a name for an account', () => {
  it.each(['alice', 'Alice-2', 'alice@example.org', '7.zip', 'a_b+c', 'x'.repeat(64)])(
    'may be %s',
    (name) => {
      expect(checkAccountName(name)).toBe(name);
    },
  );

  it.each([
    '',
    ' ',
    'a b',
    '-a',
    '.hidden',
    '../x',
    'a/b',
    'a\nb',
    'grün',
    "a'; drop table accounts",
    'x'.repeat(65),
  ])('may not be %j', (name) => {
    expect(() => checkAccountName(name)).toThrow(expect.objectContaining({ code: 'bad-name' }));
  });
});
