import type { Database } from '@holdfast/common/database';

/** Whether this server's operator is taking it away, as the database said at the last `reload`. */
export class Leaving {
  readonly #database: Database;
  readonly #server: number;
  #now = false;

  /** @param server this server's key */
  constructor(database: Database, server: number) {
    this.#database = database;
    this.#server = server;
  }

  /** While it is, the server takes no new shares, and all else goes on. */
  get now(): boolean {
    return this.#now;
  }

  /** Takes over what the database says now. Where that fails, what it said before stays. */
  async reload(): Promise<void> {
    const { rows } = await this.#database.pool.query<{ leaving: boolean }>(
      'select leaving_since is not null as leaving from storage.servers where key = $1',
      [this.#server],
    );
    this.#now = rows[0]?.leaving ?? this.#now;
  }
}
