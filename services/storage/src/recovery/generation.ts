import type { Database } from '@holdfast/common/database';
import type pg from 'pg';
import { whileDatabaseReturns } from '../records/database-errors.js';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { type Mark, readMark, writeMark } from './mark.js';

/**
 * How the records stand to the shares. `missing`: the database knows nothing of this server, whose shares were
 * recorded once. `behind`: the database is an older copy of what it was. `renumbered`: the database was made anew while
 * this process ran, and has given this server another key.
 */
export type Standing = 'current' | 'missing' | 'behind' | 'renumbered';

const explanations: Readonly<Record<Exclude<Standing, 'current'>, string>> = {
  missing: 'the database has no records of the shares of this server: run storage recover first',
  behind: 'the database is older than the shares of this server: run storage recover first',
  renumbered: 'the database was made anew and has another key for this server: restart it',
};

/** SQLSTATE of a schema, and of a table, that is not there. */
const noSchema: readonly unknown[] = ['3F000', '42P01'];

/** The records are missing or too old to be relied on. */
export class RecordsNotCurrentError extends Error {
  override readonly name = 'RecordsNotCurrentError';
  readonly code = 'records-not-current';

  constructor(readonly standing: Exclude<Standing, 'current'>) {
    super(explanations[standing]);
  }
}

/** What the generation of a server needs. */
export interface GenerationOptions {
  readonly backend: ShareBackend;
  readonly database: Database;
  /** This server's key. */
  readonly server: number;
  readonly serverId: string;
}

/**
 * A number that is raised now and then, first in the database and then beside the shares. So a database that is behind
 * the shares has lost what was written since.
 */
export class Generation {
  readonly #options: GenerationOptions;
  #raising: Promise<void> = Promise.resolve();

  constructor(options: GenerationOptions) {
    this.#options = options;
  }

  /** @throws MarkError */
  mark(): Promise<Mark | undefined> {
    return readMark(this.#options.backend, this.#options.serverId);
  }

  /** @throws MarkError, StorageError `database-unavailable` */
  async standing(): Promise<Standing> {
    // The mark first: where it is raised in between, the database is ahead of what was read here, and not behind it.
    const mark = await this.mark();
    return this.#compare(mark, await whileDatabaseReturns(() => this.#recorded(this.#options.database.pool)));
  }

  /**
   * Lets pass only where nothing is lost by believing the records.
   *
   * @throws RecordsNotCurrentError, MarkError, StorageError `database-unavailable`
   */
  async requireCurrent(): Promise<void> {
    require(await this.standing());
  }

  /**
   * The same for a transaction, as it sees the records: the first thing to be asked in it.
   *
   * @param hold whether no other copy can take their place before the transaction ends
   * @throws RecordsNotCurrentError, MarkError, or Postgres' own error
   */
  async requireCurrentIn(client: pg.ClientBase, { hold }: { readonly hold: boolean }): Promise<void> {
    const mark = await this.mark();
    require(this.#compare(mark, await this.#recorded(client, hold ? 'for share' : '')));
  }

  /**
   * Raises the generation, where the records are current. The database comes first: a mark that is ahead of it must
   * never be there without cause.
   *
   * @param adopting see `Mark`; as it was where it is left out, and true where there was no mark
   * @throws RecordsNotCurrentError where they are not; then nothing is changed. MarkError, StorageError
   *   `database-unavailable`
   */
  raise(adopting?: boolean): Promise<void> {
    const raising = this.#raising.then(() => this.#raise(adopting));
    this.#raising = raising.catch(() => undefined);
    return raising;
  }

  async #raise(adopting: boolean | undefined): Promise<void> {
    const { backend, database, server, serverId } = this.#options;
    const mark = await this.mark();
    const raised = await whileDatabaseReturns(() =>
      database.pool
        .query<{ generation: number }>(
          `update storage.servers set generation = generation + 1
            where key = $1 and server_id = $2 and generation >= $3 returning generation`,
          [server, serverId, mark?.generation ?? 0],
        )
        .catch(withoutSchema),
    );
    const generation = raised?.rows[0]?.generation;
    if (generation === undefined) {
      const standing = await this.standing();
      throw new RecordsNotCurrentError(standing === 'current' ? 'behind' : standing);
    }
    await writeMark(backend, {
      server: serverId,
      generation,
      adopting: adopting ?? mark?.adopting ?? true,
    });
  }

  /** Says in the database that its records are those of the shares again. The running server goes on from there. */
  async accept(): Promise<void> {
    const { database, server } = this.#options;
    const mark = await this.mark();
    await whileDatabaseReturns(() =>
      database.pool.query('update storage.servers set generation = $2 where key = $1 and generation < $2', [
        server,
        mark?.generation ?? 0,
      ]),
    );
  }

  #compare(mark: Mark | undefined, recorded: RecordedServer | undefined): Standing {
    if (recorded && recorded.key !== this.#options.server) return 'renumbered';
    if (!recorded || (mark && recorded.generation === 0)) return 'missing';
    return mark && recorded.generation < mark.generation ? 'behind' : 'current';
  }

  async #recorded(
    client: Pick<pg.ClientBase, 'query'>,
    lock: 'for share' | '' = '',
  ): Promise<RecordedServer | undefined> {
    const found = await client
      .query<RecordedServer>(`select key, generation from storage.servers where server_id = $1 ${lock}`, [
        this.#options.serverId,
      ])
      .catch(withoutSchema);
    return found?.rows[0];
  }
}

interface RecordedServer {
  readonly key: number;
  readonly generation: number;
}

function require(standing: Standing): void {
  if (standing !== 'current') throw new RecordsNotCurrentError(standing);
}

/** A database without our tables is one without records. */
function withoutSchema(error: { readonly code?: unknown }): undefined {
  if (!noSchema.includes(error.code)) throw error;
}
