import { setTimeout as delay } from 'node:timers/promises';
import { isTransient } from '@holdfast/common/database';
import { StorageError } from '../storage-error.js';

/** The system's errors on the way to Postgres. Those of a disk are not among them. */
const unreachable = /^(ECONN[A-Z]+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN)$/;

/** Whether a query failed because Postgres could not be used just then, not because of what it was asked. */
export function isDatabaseDown(error: unknown): boolean {
  const { code, message, syscall } = error as { code?: unknown; message?: unknown; syscall?: unknown };
  // Of a Unix socket that is not there. A file that is not there is no matter of the database.
  if (code === 'ENOENT') return syscall === 'connect';
  if (typeof code === 'string') return isTransient(code) || unreachable.test(code);
  return /terminated|timeout|ended|connection|ECONN/i.test(String(message));
}

/**
 * Runs something that may be run twice, again and again while Postgres is down.
 *
 * @param patience milliseconds after which it is given up
 * @throws StorageError `database-unavailable`, or what `work` throws for any other reason
 */
export async function whileDatabaseReturns<T>(work: () => Promise<T>, patience = 10_000): Promise<T> {
  const deadline = Date.now() + patience;
  for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
    try {
      return await work();
    } catch (error) {
      if (!isDatabaseDown(error)) throw error;
      if (Date.now() + wait > deadline) {
        throw new StorageError('database-unavailable', 'the lease database cannot be used just now', {
          cause: error,
        });
      }
      await delay(wait);
    }
  }
}
