import { setTimeout as delay } from 'node:timers/promises';
import { StorageError } from '../storage-error.js';

/**
 * SQLSTATE classes and codes that mean "not now": connection trouble, shutdown, a statement that took too long, a lock
 * that somebody keeps, no disk space, memory or connection left, serialisation.
 */
const transient = /^(08|57P|57014|55P03|53100|53200|53300|40001|40P01)/;

/** The system's errors on the way to Postgres. Those of a disk are not among them. */
const unreachable = /^(ECONN[A-Z]+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN)$/;

/** Whether a query failed because Postgres could not be used just then, not because of what it was asked. */
export function isDatabaseDown(error: unknown): boolean {
  const { code, message, syscall } = error as { code?: unknown; message?: unknown; syscall?: unknown };
  // Of a Unix socket that is not there. A file that is not there is no matter of the database.
  if (code === 'ENOENT') return syscall === 'connect';
  if (typeof code === 'string') return transient.test(code) || unreachable.test(code);
  return /terminated|timeout|ended|connection|ECONN/i.test(String(message));
}

/** Whether Postgres refused a statement for what it was asked: it changed nothing, and would be refused again. */
export function isRefused(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && typeof severity === 'string' && !transient.test(code);
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
