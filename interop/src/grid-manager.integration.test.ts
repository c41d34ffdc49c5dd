import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { holdfastProgram, Lab, temporaryFolder, waitFor } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findTahoe } from './available.js';
import { RunningThings } from './running-things.js';
import { TahoeNode } from './tahoe-node.js';
import { WebApi } from './web-api.js';

const tahoe = await findTahoe();
const program = 'program' in tahoe ? tahoe.program : '';
const run = promisify(execFile);

/** `holdfast grid-manager`. */
const ours = async (command: string, config: string, ...args: string[]) =>
  (await run(process.execPath, [holdfastProgram, 'grid-manager', command, '--config', config, ...args]))
    .stdout;
/** The `grid-manager` command that is installed with `tahoe`. */
const theirs = async (command: string, config: string, ...args: string[]) =>
  (await run(join(dirname(program), 'grid-manager'), ['--config', config, command, ...args])).stdout;

describe.skipIf(program === '')('a grid manager beside that of Tahoe-LAFS', () => {
  const everything = new RunningThings();
  let folder: string;
  beforeAll(async () => {
    folder = everything.add(await temporaryFolder('managers')).path;
  });
  afterAll(() => everything[Symbol.asyncDispose]());

  const key = `pub-v0-${'a'.repeat(51)}q`;

  it.each([
    ['ours', ours, theirs],
    ['theirs', theirs, ours],
  ] as const)('is the same folder for both commands: made by %s', async (maker, first, second) => {
    const config = join(folder, maker);
    await first('create', config);
    expect(await second('public-identity', config)).toBe(await first('public-identity', config));
    await first('add', config, 'one', key);
    await second('add', config, 'two', key);
    await second('sign', config, 'one', '10');
    await first('sign', config, 'one', '20');
    for (const list of [await first('list', config), await second('list', config)]) {
      expect(list).toContain(`one: ${key}`);
      expect(list).toContain(`two: ${key}`);
      expect(list.match(/valid until/g)).toHaveLength(2);
    }
    await second('remove', config, 'one');
    expect(await readdir(config)).toEqual(['config.json']);
    expect(await first('list', config)).toBe(`two: ${key}\n`);
  });
});

describe.skipIf(program === '')('a managed grid', () => {
  const everything = new RunningThings();
  let lab: Lab;
  let folder: string;
  let managers: { ours: string; theirs: string };

  beforeAll(async () => {
    folder = everything.add(await temporaryFolder('managed')).path;
    lab = everything.add(await Lab.up({ storage: 3, shares: { required: 1, happy: 2, total: 3 } }));
    const configs = { ours: join(folder, 'ours'), theirs: join(folder, 'theirs') };
    await ours('create', configs.ours);
    await theirs('create', configs.theirs);
    managers = {
      ours: (await ours('public-identity', configs.ours)).trim(),
      theirs: (await theirs('public-identity', configs.theirs)).trim(),
    };
    // Each vouches for one server, and nobody for the third.
    const [s1, s2] = lab.description.storage;
    await ours('add', configs.ours, 's1', s1?.id ?? '');
    await theirs('add', configs.theirs, 's2', `pub-${s2?.id}`);
    await reconfigure('s1', await ours('sign', configs.ours, 's1', '10'));
    await reconfigure('s2', await theirs('sign', configs.theirs, 's2', '10'));
  });
  afterAll(() => everything[Symbol.asyncDispose]());

  /** Gives a storage server a certificate. */
  async function reconfigure(nickname: string, certificate: string): Promise<void> {
    await writeFile(join(lab.dir, nickname, 'vouched.cert'), certificate);
    await setField(nickname, 'grid_management: [vouched.cert]');
  }

  async function setField(nickname: string, line: string): Promise<void> {
    await lab.stop(nickname);
    await appendFile(join(lab.dir, nickname, 'node.yaml'), `${line}\n`);
    await lab.start(nickname);
  }

  const sharesAt = async (nickname: string) =>
    (await readdir(join(lab.dir, nickname, 'shares'), { recursive: true })).filter((name) =>
      /\/\d+$/.test(name),
    ).length;

  async function holdersOf(upload: Promise<string>): Promise<string[]> {
    const names = ['s1', 's2', 's3'];
    const before = await Promise.all(names.map(sharesAt));
    await upload;
    const after = await Promise.all(names.map(sharesAt));
    return names.filter((_, index) => (after[index] ?? 0) > (before[index] ?? 0));
  }

  /** Makes a grid manager that vouches for nobody here; gives its folder. */
  async function stranger(): Promise<string> {
    const config = join(folder, 'stranger');
    await theirs('create', config);
    return config;
  }

  const client = async (name: string, happy: number, who: Record<string, string>) => {
    const exported = await run(process.execPath, [
      ...[holdfastProgram, 'announcements', 'export', '--format', 'tahoe'],
      ...['--dir', join(lab.dir, 'introducer')],
    ]);
    const lines = Object.entries(who).map(([manager, key]) => `${manager} = ${key}`);
    return TahoeNode.client(program, join(folder, name), exported.stdout, {
      encoding: { required: 1, happy, total: 3 },
      settings: `\n[grid_managers]\n${lines.join('\n')}\n`,
    });
  };

  it('gets the uploads of a Tahoe-LAFS client only where a manager of either program vouches', async () => {
    await using vouched = await client('client', 2, managers);
    const web = new WebApi(await vouched.gateway());
    expect(await holdersOf(web.put(randomBytes(5_000)))).toEqual(['s1', 's2']);
    await using alone = await client('alone', 1, { mine: managers.ours });
    expect(await holdersOf(new WebApi(await alone.gateway()).put(randomBytes(5_000)))).toEqual(['s1']);
  });

  it('gets the uploads of our broker only there, and is read from everywhere', async () => {
    const before = new WebApi(lab.broker);
    const everywhere = randomBytes(5_000);
    let capability = '';
    expect(await holdersOf(before.put(everywhere).then((stored) => (capability = stored)))).toEqual([
      's1',
      's2',
      's3',
    ]);
    await setField('broker1', `grid_managers: { ours: ${managers.ours}, theirs: ${managers.theirs} }`);
    await lab.waitForServers(3);
    const web = new WebApi(lab.broker);
    expect(await holdersOf(web.put(randomBytes(5_000)))).toEqual(['s1', 's2']);
    const status = (await (await fetch(`${lab.broker}/?t=json`)).json()) as {
      grid_managers: string[];
      servers: { nickname: string; upload_permitted: boolean; vouched_until: number | null }[];
    };
    expect(status.grid_managers).toEqual(['ours', 'theirs']);
    expect(status.servers.map(({ nickname, upload_permitted }) => [nickname, upload_permitted])).toEqual([
      ['s1', true],
      ['s2', true],
      ['s3', false],
    ]);
    expect(status.servers[0]?.vouched_until).toBeGreaterThan(Date.now() / 1000 + 9 * 86_400);
    expect(status.servers[2]?.vouched_until).toBeNull();
    for (const vouchedFor of ['s1', 's2']) await lab.stop(vouchedFor);
    await lab.waitForServers(1);
    expect((await web.get(capability)).equals(everywhere)).toBe(true);
    await expect(web.put(randomBytes(5_000))).rejects.toThrow(
      '1 connected server(s) have no valid certificate of a grid manager',
    );
    for (const vouchedFor of ['s1', 's2']) await lab.start(vouchedFor);
  });

  it('refuses an upload in the words of a Tahoe-LAFS client where too few servers, or none, are vouched for', async () => {
    const nobody = (await theirs('public-identity', await stranger())).trim();
    const cases = [
      {
        who: managers.ours,
        words:
          'shares could be placed on only 1 server(s) such that any 1 of them have enough shares to recover the ' +
          'file, but we were asked to place shares on at least 2 such servers.',
        error: 'UploadUnhappinessError',
      },
      { who: nobody, words: 'client gave us zero servers', error: 'NoServersError' },
    ];
    for (const [index, { who, words, error }] of cases.entries()) {
      await using tahoeClient = await client(`few${index}`, 2, { who });
      await lab.stop('broker1');
      const file = join(lab.dir, 'broker1', 'node.yaml');
      const settings = (await readFile(file, 'utf8')).replace(
        /^grid_managers: .*$/m,
        `grid_managers: { who: ${who} }`,
      );
      await writeFile(file, settings);
      await lab.start('broker1');
      await lab.waitForServers(3);
      for (const gateway of [await tahoeClient.gateway(), lab.broker]) {
        const answer = await fetch(new URL('/uri', gateway), { method: 'PUT', body: randomBytes(5_000) });
        expect(answer.status).toBe(500);
        const text = await answer.text();
        expect(text).toContain(error);
        expect(text).toContain(words);
      }
    }
    await lab.stop('broker1');
    const file = join(lab.dir, 'broker1', 'node.yaml');
    const both = `grid_managers: { ours: ${managers.ours}, theirs: ${managers.theirs} }`;
    await writeFile(file, (await readFile(file, 'utf8')).replace(/^grid_managers: .*$/m, both));
    await lab.start('broker1');
  });

  it('has a server that refuses to start with a certificate of another, and says so', async () => {
    await lab.stop('s3');
    const certificate = await readFile(join(lab.dir, 's1', 'vouched.cert'), 'utf8');
    await writeFile(join(lab.dir, 's3', 'wrong.cert'), certificate);
    await appendFile(join(lab.dir, 's3', 'node.yaml'), 'grid_management: [wrong.cert]\n');
    await expect(lab.start('s3')).rejects.toThrow('grid_management: the certificate is for v0-');
  });

  it('hears of a certificate that a server gets later, without a restart of the broker', async () => {
    const [, , s3] = lab.description.storage;
    await ours('add', join(folder, 'ours'), 's3', s3?.id ?? '');
    const certificate = await ours('sign', join(folder, 'ours'), 's3', '10');
    const file = join(lab.dir, 's3', 'node.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('[wrong.cert]', '[right.cert]'));
    await writeFile(join(lab.dir, 's3', 'right.cert'), certificate);
    await lab.start('s3');
    await waitFor('the third is vouched for', async () => {
      const { servers } = (await (await fetch(`${lab.broker}/?t=json`)).json()) as {
        servers: { upload_permitted: boolean }[];
      };
      return servers.every(({ upload_permitted }) => upload_permitted) || undefined;
    });
    await lab.waitForServers(3);
    expect(await holdersOf(new WebApi(lab.broker).put(randomBytes(5_000)))).toEqual(['s1', 's2', 's3']);
  });
});
