import type { Database } from '@holdfast/common/database';
import { Repetition } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';

const rowsAtOnce = 500;
const lookEvery = 60_000;

/**
 * Writes the hours that are over to `storage.usage_ledger`, for one server's accounts: also those in which it did not
 * run. Each change of the totals does so for its own row, by the trigger `meter`; this is for rows that nobody changes.
 *
 * @returns how many rows had an hour to close
 */
export async function closeHours(database: Database, server: number): Promise<number> {
  let closed = 0;
  for (;;) {
    // A row that is locked is being changed, and so being metered.
    const { rowCount } = await database.pool.query(
      `with due as (
         select account from storage.usage_totals
          where server = $1 and changed_at < date_trunc('hour', now(), 'UTC') and (shares <> 0 or byte_seconds <> 0)
          order by account limit $2 for update skip locked)
       update storage.usage_totals set changed_at = now() from due
        where usage_totals.server = $1 and usage_totals.account = due.account`,
      [server, rowsAtOnce],
    );
    closed += rowCount ?? 0;
    if ((rowCount ?? 0) < rowsAtOnce) return closed;
  }
}

/** Closes hours within a minute of their end, from now on; returns how to stop. */
export function closeHoursInTime(database: Database, server: number, logger: Logger): () => Promise<void> {
  const repetition = new Repetition(
    () =>
      closeHours(database, server).then(
        () => true,
        (error: Error) => {
          logger.warn({ error: error.message }, 'the hours of usage could not be closed; trying again');
          return false;
        },
      ),
    lookEvery,
  );
  repetition.start();
  return () => repetition.stop();
}
