import type { Database } from '@holdfast/common/database';
import { whileDatabaseReturns } from '../records/database-errors.js';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { type Mark, readMark, writeMark } from './mark.js';

/**
 * How the records stand to the shares. `missing`: the database knows nothing of this server, whose shares were
 * recorded once. `behind`: the database is an older copy of what it was.
 */
export type Standing = 'current' | 'missing' | 'behind';

/** The records are missing or too old to be relied on. */
export class RecordsNotCurrentError extends Error {
  override readonly name = 'RecordsNotCurrentError';
  readonly code = 'records-not-current';

  constructor(readonly standing: Standing) {
    super(
      `the database ${standing === 'missing' ? 'has no records of the shares of this server' : 'is older than the shares of this server'}: run storage recover first`,
    );
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

  constructor(options: GenerationOptions) {
    this.#options = options;
  }

  /** @throws MarkError */
  mark(): Promise<Mark | undefined> {
    return readMark(this.#options.backend, this.#options.serverId);
  }

  /** @throws MarkError, StorageError `database-unavailable` */
  async standing(): Promise<Standing> {
    const [mark, recorded] = [await this.mark(), await this.#recorded()];
    if (!mark || recorded >= mark.generation) return 'current';
    return recorded === 0 ? 'missing' : 'behind';
  }

  /**
   * Lets pass only where nothing is lost by believing the records.
   *
   * @throws RecordsNotCurrentError, MarkError, StorageError `database-unavailable`
   */
  async requireCurrent(): Promise<void> {
    const standing = await this.standing();
    if (standing !== 'current') throw new RecordsNotCurrentError(standing);
  }

  /**
   * Raises the generation, where the records are current. The database comes first: a mark that is ahead of it must
   * never be there without cause.
   *
   * @param adopting see `Mark`; as it was where it is left out, and true where there was no mark
   * @throws MarkError, StorageError `database-unavailable`
   */
  async raise(adopting?: boolean): Promise<void> {
    const { backend, database, server, serverId } = this.#options;
    const mark = await this.mark();
    const { rows } = await whileDatabaseReturns(() =>
      database.pool.query<{ generation: number }>(
        'update storage.servers set generation = generation + 1 where key = $1 returning generation',
        [server],
      ),
    );
    await writeMark(backend, {
      server: serverId,
      generation: (rows[0] as { generation: number }).generation,
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

  async #recorded(): Promise<number> {
    const { rows } = await whileDatabaseReturns(() =>
      this.#options.database.pool.query<{ generation: number }>(
        'select generation from storage.servers where key = $1',
        [this.#options.server],
      ),
    );
    return rows[0]?.generation ?? 0;
  }
}
