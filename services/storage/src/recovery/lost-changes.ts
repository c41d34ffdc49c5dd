import type { CopiedAccounts } from './account-copy.js';

type Account = CopiedAccounts['accounts'][number];

/** What a copy of the accounts has that the next lacks: whole accounts, or changes of some. */
export type Loss = 'accounts' | 'changes';

/**
 * What would be lost if one copy of the accounts took the place of another. No account is ever deleted, and none ever
 * goes back to what it was by itself: so either comes of a database that is older than it looks.
 */
export function whatIsLost(former: CopiedAccounts, next: CopiedAccounts): Loss | undefined {
  const known = new Map(next.accounts.map((account) => [account.name, account]));
  let loss: Loss | undefined;
  for (const account of former.accounts) {
    const now = known.get(account.name);
    if (now === undefined) return 'accounts';
    if (differ(account, now) && !isNewer(now, account)) loss = 'changes';
  }
  return loss;
}

function differ(one: Account, other: Account): boolean {
  return (
    one.state !== other.state ||
    one.quota !== other.quota ||
    one.lease_seconds !== other.lease_seconds ||
    one.repairer !== other.repairer
  );
}

/** Of those that say no time, what was changed before it was written down, nobody knows. */
function isNewer(one: Account, other: Account): boolean {
  return one.changed_at !== undefined && one.changed_at > (other.changed_at ?? '');
}
