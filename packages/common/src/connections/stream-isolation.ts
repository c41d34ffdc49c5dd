import { randomBytes } from 'node:crypto';

/** What a proxy is shown so that it carries this connection apart from others: a name and password that open nothing. */
export interface StreamIsolation {
  readonly username: string;
  readonly password: string;
}

/**
 * Makes a name that no other connection has, now or after a restart. Tor carries streams of different names over
 * different circuits (`IsolateSOCKSAuth` in tor(1), on unless turned off).
 */
export function freshIsolation(): StreamIsolation {
  return { username: randomBytes(16).toString('hex'), password: randomBytes(16).toString('hex') };
}
