import { describe, expect, it } from 'vitest';
import type { CopiedAccounts } from './account-copy.js';
import { whatIsLost } from './lost-changes.js';

type Account = CopiedAccounts['accounts'][number];

const copyOf = (...accounts: (Partial<Account> & { name: string })[]): CopiedAccounts => ({
  servers: [],
  accounts: accounts.map((account, n) => ({
    key: n + 3,
    created_at: '2026-01-01 00:00:00+00',
    state: 'active',
    quota: null,
    lease_seconds: null,
    ...account,
  })),
  credentials: [],
  sealed_secrets: [],
  lease_seconds: null,
});
const monday = '2026-11-23T08:00:00.000000Z';
const tuesday = '2026-11-24T08:00:00.000001Z';
const tuesdayBefore = '2026-11-24T08:00:00.000000Z';

describe('of a copy of the accounts another one that takes its place', () => {
  it('loses nothing where all are as they were, or changed since, or new', () => {
    const former = copyOf({ name: 'alice' }, { name: 'bob', state: 'frozen', changed_at: monday });
    expect(whatIsLost(former, former)).toBeUndefined();
    const next = copyOf(
      { name: 'alice', quota: 1_000, changed_at: tuesday },
      { name: 'bob', changed_at: tuesday },
      { name: 'carol' },
    );
    expect(whatIsLost(former, next)).toBeUndefined();
  });

  it('loses accounts that it does not have', () => {
    expect(whatIsLost(copyOf({ name: 'alice' }, { name: 'bob' }), copyOf({ name: 'bob' }))).toBe('accounts');
  });

  it.each<[string, Partial<Account>]>([
    ['a state', { state: 'revoked' }],
    ['a quota', { quota: 1_000 }],
    ['a length of leases', { lease_seconds: 60 }],
    ['that it is a repairer', { repairer: true }],
  ])('loses %s that came later', (_, change) => {
    const former = copyOf({ name: 'alice', ...change, changed_at: tuesday });
    expect(whatIsLost(former, copyOf({ name: 'alice' }))).toBe('changes');
    expect(whatIsLost(former, copyOf({ name: 'alice', changed_at: monday }))).toBe('changes');
    expect(whatIsLost(former, copyOf({ name: 'alice', changed_at: tuesdayBefore }))).toBe('changes');
  });

  it('may lose a change where neither says when it was changed', () => {
    expect(whatIsLost(copyOf({ name: 'alice', state: 'revoked' }), copyOf({ name: 'alice' }))).toBe(
      'changes',
    );
  });
});
