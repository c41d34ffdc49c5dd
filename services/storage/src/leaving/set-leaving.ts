import type { Database } from '@holdfast/common/database';

/** A storage server of the database, and since when it is leaving. */
export interface LeavingServer {
  readonly key: number;
  readonly serverId: string;
  /** Null for one that has not run yet. */
  readonly nickname: string | null;
  /** Null where it stays. */
  readonly leavingSince: Date | null;
}

/** A server is named that the database does not know, or that is not the only one of its name. */
export class NoSuchServerError extends Error {
  override readonly name = 'NoSuchServerError';
  readonly code = 'no-such-server';

  constructor(
    readonly named: string,
    readonly found: number,
  ) {
    super(
      found === 0
        ? `this database has no storage server ${named}: expected a server id, v0-…, or a nickname`
        : `${found} storage servers of this database are called ${named}: expected a server id, v0-…`,
    );
  }
}

const columns = `key, server_id as "serverId", description->>'nickname' as nickname, leaving_since as "leavingSince"`;

/**
 * The server of an id or, where it is the only one with it, of a nickname.
 *
 * @throws NoSuchServerError
 */
export async function findServer(database: Database, named: string): Promise<LeavingServer> {
  const { rows } = await database.pool.query<LeavingServer>(
    `select ${columns} from storage.servers where server_id = $1 or description->>'nickname' = $1
      order by server_id = $1 desc, key`,
    [named],
  );
  const [server] = rows;
  if (!server || (rows.length > 1 && server.serverId !== named))
    throw new NoSuchServerError(named, rows.length);
  return server;
}

/**
 * Marks a server as leaving, or as staying after all; one that is so already stays so. Where it runs it is to be told.
 *
 * @param server its key
 */
export async function setLeaving(
  database: Database,
  server: number,
  leaving: boolean,
): Promise<LeavingServer> {
  const { rows } = await database.pool.query<LeavingServer>(
    // How far it was emptied when it was leaving before says nothing now.
    `with forgotten as (
       delete from storage.drains using storage.servers
        where drains.server = $1 and key = $1 and (not $2 or leaving_since is null))
     update storage.servers set leaving_since = case when $2 then coalesce(leaving_since, now()) end
      where key = $1 returning ${columns}`,
    [server, leaving],
  );
  if (!rows[0]) throw new NoSuchServerError(String(server), 0);
  return rows[0];
}
