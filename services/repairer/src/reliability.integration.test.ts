import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { databaseUrl, waitFor } from '@holdfast/lab';
import { afterEach, describe, expect, it } from 'vitest';
import { type RepairLab, repairLab, shares } from './testing/repair-lab.js';

const deadline = 110_000;

/** What was planned for the first repairer of a grid. */
async function firstRepairer({ lab }: RepairLab) {
  const plan = JSON.parse(await readFile(join(lab.dir, 'plan.json'), 'utf8')) as {
    nodes: { role: string; database: string; operatorPort: number }[];
  };
  const planned = plan.nodes.find(({ role }) => role === 'repairer');
  if (!planned) throw new Error('no repairer was planned');
  return planned;
}

/** The queue as it is in Postgres. */
async function openQueue(grid: RepairLab): Promise<Database> {
  const { database } = await firstRepairer(grid);
  const url = databaseUrl(grid.lab.description.postgres, database);
  return openPool({ url, applicationName: 'holdfast test', logger: silentLogger(), connections: 2 });
}

describe('repairs, whatever is killed meanwhile', () => {
  let grid: RepairLab;
  let queue: Database;
  const begin = async (settings?: string) => {
    grid = await repairLab({ repairers: 3 }, settings);
    queue = await openQueue(grid);
  };
  afterEach(async () => {
    await queue?.close();
    await grid?.[Symbol.asyncDispose]();
  });

  const askFor = async (capabilities: readonly string[]) => {
    for (let from = 0; from < capabilities.length; from += 250)
      await grid.bus.ask(grid.subjects.add, { files: capabilities.slice(from, from + 250) }, 20_000);
  };
  const count = async (condition: string) =>
    (await queue.pool.query<{ count: number }>(`select count(*) from ${condition}`)).rows[0]?.count ?? 0;
  const doneSoFar = () => count("repairer.jobs where state = 'done'").catch(() => 0);
  const until = (what: string, holds: () => Promise<boolean>) =>
    waitFor(what, async () => (await holds()) || undefined, { timeoutMs: deadline });

  async function expectAllWell(capabilities: readonly string[]) {
    const states = await queue.pool.query('select state, count(*) from repairer.jobs group by state');
    expect(states.rows).toEqual([{ state: 'done', count: capabilities.length }]);
    // Each was done to the end, and written down, exactly once.
    const ended = "repairer.job_history where result in ('repaired', 'healthy')";
    expect(await count(ended)).toBe(capabilities.length);
    expect(await count(`(select distinct storage_index from ${ended}) as files`)).toBe(capabilities.length);
    for (const capability of capabilities)
      expect((await grid.sharesOf(capability)).size, 'shares of a file').toBe(shares.total);
  }

  it('lose no job and do none twice, with workers killed at random during 500', async () => {
    await begin();
    const capabilities = await grid.store(500);
    await grid.emptyServer('s1');
    await askFor(capabilities);
    const names = grid.lab.description.repairers.map(({ nickname }) => nickname);
    let kills = 0;
    while ((await doneSoFar()) < capabilities.length - 50) {
      const victim = names[Math.floor(Math.random() * names.length)] ?? '';
      await grid.lab.kill(victim);
      kills++;
      await grid.lab.start(victim);
    }
    expect(kills).toBeGreaterThan(0);
    await until('all jobs are done', async () => (await doneSoFar()) === capabilities.length);
    await expectAllWell(capabilities);
  }, 240_000);

  it('go on without NATS, and after it has lost all that it had', async () => {
    await begin();
    const capabilities = await grid.store(150);
    await grid.emptyServer('s2');
    const [first, later] = [capabilities.slice(0, 100), capabilities.slice(100)];
    await askFor(first);
    await until('the repairs have begun', async () => (await doneSoFar()) > 0);
    await grid.lab.kill('nats');
    await rm(join(grid.lab.dir, 'nats', 'jetstream'), { recursive: true, force: true });
    await until('all of them are done', async () => (await doneSoFar()) === first.length);
    await grid.lab.start('nats');
    await until('a repairer answers', () => askFor(later).then(() => true));
    await until('the rest is done, too', async () => (await doneSoFar()) === capabilities.length);
    await expectAllWell(capabilities);
  }, 240_000);

  it('go on after Postgres was away', async () => {
    await begin();
    const capabilities = await grid.store(150);
    await grid.emptyServer('s3');
    await askFor(capabilities);
    await until('the repairs have begun', async () => (await doneSoFar()) > 0);
    const { operatorPort } = await firstRepairer(grid);
    const ready = async () => (await fetch(`http://127.0.0.1:${operatorPort}/readyz`)).status;
    expect(await ready()).toBe(200);
    await grid.lab.kill('postgres');
    await until('a repairer says that it can do nothing', async () => (await ready()) === 503);
    await grid.lab.start('postgres');
    await until('all jobs are done', async () => (await doneSoFar()) === capabilities.length);
    await expectAllWell(capabilities);
  }, 240_000);

  it('are finished, or given back at once, by a repairer that is stopped', async () => {
    // So long that no claim runs out because a repairer or Postgres is slow.
    await begin('sweep: 500ms\nclaim: 30s\nretry_after: 500ms\nwatch: { settle: 1s }\n');
    const capabilities = await grid.store(100);
    await grid.emptyServer('s1');
    await askFor(capabilities);
    for (const { nickname } of grid.lab.description.repairers) await grid.lab.stop(nickname);
    expect(await count("repairer.jobs where state = 'claimed'")).toBe(0);
    expect(await count("repairer.job_history where result = 'lost'")).toBe(0);
    for (const { nickname } of grid.lab.description.repairers) await grid.lab.start(nickname);
    await until('all jobs are done', async () => (await doneSoFar()) === capabilities.length);
    await expectAllWell(capabilities);
  }, 240_000);
});
