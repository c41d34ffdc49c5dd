import type { Database } from '@holdfast/common/database';
import type { ShareAddress } from '@holdfast/lafs';
import { whileDatabaseReturns } from './database-errors.js';
import { shortenedText } from './shortened-text.js';

/** Most reports kept of one share: whoever may read can report, and there may be many accounts. */
const mostReports = 100;

/** Most bytes kept of what a reader wrote: it may be 32 KiB, of every share there is, and Postgres is shared. */
const mostBytes = 500;

/** What readers said is wrong with shares of one server, in `storage.corruption_reports`. */
export class CorruptionReports {
  readonly #database: Database;
  readonly #server: number;

  constructor(database: Database, server: number) {
    this.#database = database;
    this.#server = server;
  }

  /**
   * Keeps the beginning of a report, in the place of what the account said of the share before. Of a share that has no
   * record nothing is kept, since what is kept goes with the record; and of no share more than a hundred accounts' reports.
   */
  async add({ storageIndex, shareNumber }: ShareAddress, account: number, reason: string): Promise<void> {
    await whileDatabaseReturns(() =>
      this.#database.pool.query({
        name: 'storage-report',
        text: `with share as (
                 -- Whoever removes it has it locked, and its reports go with it.
                 select from storage.shares
                  where server = $1 and storage_index = $2 and share_number = $3 for key share),
               kept as (
                 select account from storage.corruption_reports
                  where server = $1 and storage_index = $2 and share_number = $3)
               insert into storage.corruption_reports as known
                      (server, storage_index, share_number, account, reason, times)
               select $1::int, $2::bytea, $3::int, $4::int, $5, 1 from share
                where (select count(*) from kept) < $6 or $4 in (select account from kept)
               on conflict (server, storage_index, share_number, account) where times is not null
                 do update set reported_at = now(), reason = excluded.reason, times = known.times + 1`,
        values: [
          this.#server,
          Buffer.from(storageIndex),
          shareNumber,
          account,
          // Postgres keeps no zero characters in text.
          shortenedText(reason.replaceAll('\0', '�'), mostBytes),
          mostReports,
        ],
      }),
    );
  }
}
