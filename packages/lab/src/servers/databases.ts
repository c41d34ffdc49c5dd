import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** A database of its own in a server. */
export interface Database extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

/** Makes an empty database, dropped with all sessions in it when disposed. */
export async function createDatabase(serverUrl: string, prefix: string): Promise<Database> {
  const name = `${prefix}_${randomBytes(6).toString('hex')}`;
  await inServer(serverUrl, (client) => client.query(`create database ${client.escapeIdentifier(name)}`));
  return {
    name,
    url: databaseUrl(serverUrl, name),
    [Symbol.asyncDispose]: () => dropDatabase(serverUrl, name),
  };
}

/** Makes an empty database of this name, unless there is one. */
export async function ensureDatabase(serverUrl: string, name: string): Promise<void> {
  await inServer(serverUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  });
}

/** Drops a database and ends the sessions in it; one that is gone already is fine. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await inServer(serverUrl, (client) =>
    client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`),
  );
}

/** The URL of a server, for another database in it. */
export function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.toString();
}

async function inServer(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
