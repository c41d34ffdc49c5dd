import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readYamlConfiguration, urlWithPassword } from '@holdfast/common/configuration';
import { openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { createTestDatabase, Lab, temporaryFolder, waitFor } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { holdfast } from '../testing/run-holdfast.js';

// What the operator sees of the servers that a node knows, and how one is forgotten: of a grid that runs.

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.up({ storage: 2, shares: { required: 1, happy: 1, total: 2 } });
});
afterAll(() => lab?.[Symbol.asyncDispose]());

const nodes = () => ({ introducer: join(lab.dir, 'introducer'), broker: join(lab.dir, 'broker1') });
const idOf = (nickname: string) =>
  lab.description.storage.find((node) => node.nickname === nickname)?.id ?? '';
const announcements = (...args: string[]) => holdfast(['announcements', ...args]);
const listed = async (dir: string) => (await announcements('list', '--dir', dir)).stdout;
const known = async () => {
  const status = (await (await fetch(new URL('/?t=json', lab.broker))).json()) as {
    servers: { nodeid: string }[];
  };
  return status.servers.map(({ nodeid }) => nodeid);
};

describe('announcements list', () => {
  it('says who told of each server and when, and when it was reached', async () => {
    // Who was reached is written down at the end, at the latest.
    await lab.stop('broker1');
    await lab.start('broker1');
    const lines = (await listed(nodes().broker)).trim().split('\n');
    expect(lines).toHaveLength(3);
    const when = String.raw`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
    for (const line of lines.slice(1))
      expect(line).toMatch(new RegExp(`^v0-\\w{52} +s[12] .* default +\\d+ +${when} +${when} +${when}$`));
    expect(await listed(lab.dir)).toMatch(new RegExp(` – +\\d+ +${when} +${when} +–\n`));
  });
});

describe('announcements list of an introducer', () => {
  it('passes over a row that was tampered with, says so, and shows the others', async () => {
    const { postgres } = await readYamlConfiguration(
      join(nodes().introducer, 'node.yaml'),
      z.object({ postgres: z.string() }),
    );
    const url = await urlWithPassword(nodes().introducer, 'postgres', postgres);
    const database = openPool({ url, applicationName: 'test', logger: silentLogger(), connections: 1 });
    const tamper = (from: string, to: string) =>
      database.pool.query(
        'update introducer.announcements set message = replace(message, $2, $3) where server_id = $1',
        [idOf('s1'), from, to],
      );
    try {
      await tamper('"s1"', '"S1"');
      const { status, stdout, stderr } = await announcements('list', '--dir', lab.dir);
      expect(status).toBe(0);
      expect(stdout).toContain(idOf('s2'));
      expect(stdout).not.toContain(idOf('s1'));
      expect(stderr).toMatch(new RegExp(`^holdfast: what is kept of ${idOf('s1')} was not believed: .+\n$`));
    } finally {
      await tamper('"S1"', '"s1"');
      await database.close();
    }
  });

  it('shows none where the introducer has not run yet', async () => {
    await using database = await createTestDatabase();
    await using folder = await temporaryFolder('introducer');
    const dir = join(folder.path, 'introducer');
    expect(await holdfast(['init', 'introducer', dir, '--postgres', database.url])).toMatchObject({
      status: 0,
    });
    const { status, stdout } = await announcements('list', '--dir', dir, '--json');
    expect([status, JSON.parse(stdout)]).toEqual([0, []]);
  });
});

describe('announcements forget', () => {
  it('takes a server out of a broker that runs, and of an introducer, until it announces itself again', async () => {
    const s2 = idOf('s2');
    await lab.stop('s2');
    for (const dir of Object.values(nodes())) {
      expect(await announcements('forget', s2, '--dir', dir)).toMatchObject({
        status: 0,
        stdout: `Forgot ${s2}.\n`,
      });
      expect(await listed(dir)).not.toContain(s2);
    }
    await waitFor('the broker forgets it', async () => !(await known()).includes(s2) || undefined);
    expect(await known()).toEqual([idOf('s1')]);
    await lab.start('s2');
    await lab.waitForServers(2);
  });

  it('fails where there is no such server', async () => {
    const { status, stderr } = await announcements('forget', 'v0-nobody', '--dir', lab.dir);
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'holdfast: no server v0-nobody is known\n' });
  });
});

describe('a broker that forgets soon', () => {
  it('forgets a server that is gone, though its introducer still tells of it and it starts again', async () => {
    await lab.stop('broker1');
    await appendFile(join(nodes().broker, 'node.yaml'), 'announcements: { forget_after: 10s }\n');
    await lab.start('broker1');
    await lab.waitForServers(2);
    await lab.stop('s2');
    await waitFor('the broker forgets it', async () => !(await known()).includes(idOf('s2')) || undefined);
    await lab.stop('broker1');
    await lab.start('broker1');
    await lab.waitForServers(1);
    expect(await listed(lab.dir)).toContain(idOf('s2'));
    expect(await known()).toEqual([idOf('s1')]);
    await lab.start('s2');
    await lab.waitForServers(2);
  });
});
