import type { Database } from '@holdfast/common/database';
import type pg from 'pg';
import type { Generation } from '../recovery/generation.js';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { CollectionRecords } from './collection-records.js';
import { type Due, due } from './due.js';
import { Pass } from './pass.js';
import { alone } from './server-lock.js';
import { Sweep } from './sweep.js';
import { SweepRecords } from './sweep-records.js';

/** What collecting needs. */
export interface CollectOptions {
  readonly backend: ShareBackend;
  readonly database: Database;
  /** This server's key. */
  readonly server: number;
  /** Of records that are not current nothing is collected. */
  readonly generation: Generation;
  /** Most leases ended, or shares removed, in a second. */
  readonly pace: number;
  /** Milliseconds that a lease lasts which a share without any is given. */
  readonly leaseDuration: number;
  /** Called now and then. */
  readonly onProgress?: (sofar: Collection) => void;
  readonly signal?: AbortSignal;
}

/** What a pass has done. */
export interface Collection {
  /** Leases that were ended. */
  readonly leases: number;
  /** Shares that were removed. */
  readonly shares: number;
  /** Bytes of data that they had. */
  readonly bytes: number;
  /** Shares that could not be removed; the next pass tries again. */
  readonly failed: number;
  /** Shares that had no lease which could ever end, and now have one of `starter`: there should be none. */
  readonly unleased: number;
  /** Of one of these, why: the system's error code. */
  readonly problem?: string;
}

/**
 * One pass over the leases of a server: ends those that have run out, removes the shares that nobody has a lease on any
 * more, and what an earlier pass left to be removed. It may be ended at any moment; the next pass goes on. At most eight
 * ninths of the time it is at work, so that others come first. It works with two connections.
 *
 * @throws ServerBusyError, RecordsNotCurrentError, MarkError; Postgres' own error
 */
export function collect(options: CollectOptions): Promise<Collection> {
  const { database, server, generation } = options;
  return alone(database, server, async (client) => {
    const other = await database.pool.connect();
    const records = (of: pg.PoolClient) => new CollectionRecords(of, server, generation);
    let failure: Error | undefined;
    try {
      const sweep = new Sweep(new SweepRecords(other, server), options.leaseDuration);
      return await new Pass({ removing: records(client), expiring: records(other), sweep }, options).run();
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      other.release(failure);
    }
  });
}

/** What a pass would do now. Changes nothing. */
export async function collectable(database: Database, server: number): Promise<Due> {
  return database.transaction((client) => due(client, server));
}
