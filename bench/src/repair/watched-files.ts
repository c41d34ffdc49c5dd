import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Bus } from '@holdfast/common/bus';
import { type Database, openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { watchSubjects } from '@holdfast/common/repairs';
import { databaseUrl, type Lab, waitFor } from '@holdfast/lab';

/** How often it is looked whether the repairers have begun, or are done, in milliseconds. */
const lookEvery = 10;

/** What of a lab's plan is needed here. */
interface Plan {
  readonly grid: string;
  readonly nodes: readonly { readonly role: string; readonly database: string }[];
}

/** The files that a lab's repairers have under watch, as their checks are measured. */
export class WatchedFiles implements AsyncDisposable {
  private constructor(
    private readonly grid: string,
    private readonly bus: Bus,
    private readonly database: Database,
  ) {}

  static async of(lab: Lab): Promise<WatchedFiles> {
    const { grid, nodes } = JSON.parse(await readFile(join(lab.dir, 'plan.json'), 'utf8')) as Plan;
    const name = nodes.find(({ role }) => role === 'repairer')?.database;
    if (name === undefined) throw new Error('the lab has no repairer');
    const url = databaseUrl(lab.description.postgres, name);
    return new WatchedFiles(
      grid,
      new Bus({ ...lab.bus, name: 'bench', logger: silentLogger() }),
      openPool({ url, applicationName: 'bench', logger: silentLogger(), connections: 1 }),
    );
  }

  /** Puts these files under watch instead of all others, not to be checked yet. */
  async replace(capabilities: readonly string[]): Promise<void> {
    await this.#sql('delete from repairer.watched_for');
    await this.#sql('delete from repairer.watched');
    for (let from = 0; from < capabilities.length; from += 1_000) {
      const files = capabilities.slice(from, from + 1_000);
      const { refused } = await this.bus.ask(watchSubjects(this.grid).add, { files }, 30_000);
      if (refused.length > 0) throw new Error(refused[0]?.reason);
    }
    await this.check();
  }

  /**
   * Has all of them checked once: they become due in one moment, as a list does that was put under watch.
   *
   * @returns seconds from before the first was taken by a repairer until what was found of the last is in Postgres
   * @throws Error where a file was found that lacks something
   */
  async check(): Promise<number> {
    await this.#sql(`update repairer.watched set next_check = now(), checked_at = to_timestamp(0)`);
    const taken = 'next_check > now() or checked_at > to_timestamp(0)';
    let begun = performance.now();
    for (; !(await this.#any(taken)); await delay(lookEvery)) begun = performance.now();
    const isDone = async () => !(await this.#any('checked_at = to_timestamp(0)')) || undefined;
    await waitFor('all files are checked', isDone, { timeoutMs: 300_000, everyMs: lookEvery });
    const ended = performance.now();
    if (await this.#any('readable is distinct from expected or lasting is distinct from expected'))
      throw new Error('a check did not find all shares');
    return (ended - begun) / 1000;
  }

  async #any(condition: string): Promise<boolean> {
    const [row] = await this.#sql<{ found: boolean }>(
      `select exists (select from repairer.watched where ${condition}) as found`,
    );
    return row?.found === true;
  }

  async #sql<Row extends object>(query: string): Promise<Row[]> {
    return (await this.database.pool.query<Row>(query)).rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bus.close();
    await this.database.close();
  }
}
