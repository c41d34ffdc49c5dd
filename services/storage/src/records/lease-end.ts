/**
 * SQL for when a lease ends that begins or is renewed now. No join, so that a database without statistics cannot plan
 * it badly.
 *
 * @param account SQL for the account's key
 * @param seconds SQL for how long a lease lasts whose account says nothing of it
 */
export function leaseEnd(account: string, seconds: string): string {
  return `now() + make_interval(secs => coalesce(
    (select lease_seconds from storage.accounts where key = ${account}), ${seconds}))`;
}
