import type { NewLease } from '../share-backend/share-backend.js';
import type { Exchange } from './exchange.js';

/**
 * The lease that a request's shares are stored with.
 *
 * @param leaseDuration milliseconds, where the account has no duration of its own
 */
export function leaseOf({ account, secrets }: Exchange, leaseDuration: number): NewLease {
  return {
    owner: account.key,
    renewSecret: secrets['lease-renew-secret'],
    cancelSecret: secrets['lease-cancel-secret'],
    expiresAt: (Date.now() + (account.leaseDuration ?? leaseDuration)) / 1000,
  };
}
