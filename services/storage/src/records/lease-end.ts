/**
 * SQL for when a lease ends that begins or is renewed now: as long as its account says, else as the whole grid does,
 * else as the server is configured. No join, so that a database without statistics cannot plan it badly.
 *
 * @param account SQL for the account's key
 * @param seconds SQL for how long a lease lasts where neither says anything, as the server is configured
 */
export function leaseEnd(account: string, seconds: string): string {
  return `now() + make_interval(secs => coalesce(
    (select lease_seconds from storage.accounts where key = ${account}),
    (select lease_seconds from storage.lease_default), ${seconds}))`;
}
