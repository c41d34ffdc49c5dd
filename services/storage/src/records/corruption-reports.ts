import type { Database } from '@holdfast/common/database';
import type { ShareAddress } from '@holdfast/lafs';
import { whileDatabaseReturns } from './database-errors.js';

/** Most reports kept of one share: whoever may read can report, as often as they like. */
const mostReports = 100;

/** What readers said is wrong with shares of one server, in `storage.corruption_reports`. */
export class CorruptionReports {
  readonly #database: Database;
  readonly #server: number;

  constructor(database: Database, server: number) {
    this.#database = database;
    this.#server = server;
  }

  /** Keeps a report; one more than a hundred of the same share is passed over. */
  async add({ storageIndex, shareNumber }: ShareAddress, account: number, reason: string): Promise<void> {
    await whileDatabaseReturns(() =>
      this.#database.pool.query({
        name: 'storage-report',
        text: `insert into storage.corruption_reports (server, storage_index, share_number, account, reason)
               select $1::int, $2::bytea, $3::int, $4, $5
                where (select count(*) from storage.corruption_reports
                        where server = $1 and storage_index = $2 and share_number = $3) < $6`,
        // Postgres keeps no zero characters in text.
        values: [
          this.#server,
          Buffer.from(storageIndex),
          shareNumber,
          account,
          reason.replaceAll('\0', '�'),
          mostReports,
        ],
      }),
    );
  }
}
