import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Lab, temporaryFolder, waitFor } from '@holdfast/lab';
import { base32Encode, type ChkReadCapability, parseCapability, storageIndexOf } from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdfast } from '../testing/run-holdfast.js';

const index = (capability: string) =>
  base32Encode(storageIndexOf(parseCapability(capability) as ChkReadCapability));

describe('holdfast queue', () => {
  let lab: Lab;
  const stored: string[] = [];
  beforeAll(async () => {
    lab = await Lab.up({ storage: 2, repairers: 1, shares: { required: 1, happy: 2, total: 4 } });
    for (let count = 0; count < 5; count++) {
      const answer = await fetch(new URL('/uri', lab.broker), { method: 'PUT', body: randomBytes(500) });
      stored.push((await answer.text()).trim());
    }
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  const queue = (args: readonly string[], input?: string) =>
    holdfast(['queue', ...args, '--dir', lab.dir], input === undefined ? {} : { input });
  const done = (count: number) =>
    waitFor(`${count} jobs are done`, async () => {
      const { stdout } = await queue(['status', '--json']);
      return (JSON.parse(stdout) as { jobs: { done: number } }).jobs.done === count || undefined;
    });
  const removeShares = async (server: string) => {
    const folder = join(lab.dir, server, 'shares');
    for (const name of await readdir(folder))
      if (name.length === 2) await rm(join(folder, name), { recursive: true });
  };

  it('adds files, and shows when they are repaired', async () => {
    await removeShares('s1');
    const [first = '', second = '', ...rest] = stored;
    expect(await queue(['add', first, index(second)])).toEqual({
      status: 0,
      stdout: 'Added 2 to the queue; 0 were in it already.\n',
      stderr: '',
    });
    const added = await queue(
      ['add', '--json', '--file', '-'],
      `# the rest\n${rest.join('  # a file\n')}\n\n`,
    );
    expect(JSON.parse(added.stdout)).toEqual({ added: 3, known: 0, refused: [] });
    await done(5);
    const { stdout } = await queue(['status', '--watch']);
    expect(stdout).toContain('0 queued, 0 being done, 5 done');
    expect(stdout).toContain(`${index(first).slice(0, 8)}  repaired  repairer1`);
    for (const capability of stored) expect(stdout).not.toContain(capability.split(':')[2]);
    expect((await queue(['failed'])).stdout).toBe('No job has failed.\n');
  });

  it('puts files that it adds under watch where that is wanted', async () => {
    const watched = async () => {
      const { stdout } = await queue(['watch', 'status', '--json']);
      const { files } = JSON.parse(stdout) as { files: { files: number }[] };
      return files.reduce((sum, { files: some }) => sum + some, 0);
    };
    const { length } = stored;
    await queue(['add', ...stored]);
    await done(length);
    expect(await watched()).toBe(0);
    expect((await queue(['add', '--watch', ...stored])).status).toBe(0);
    await waitFor('the files are counted', async () => (await watched()) === length || undefined);
    await done(length);
    await queue(['watch', 'remove', '--all']);
  });

  it('refuses what names no file, by its line and without showing it, and takes the rest', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'list');
    await writeFile(file, `${stored[0]}\n\nURI:CHK:broken\nURI:LIT:mfrgg\n`);
    const { status, stdout, stderr } = await queue(['add', '--file', file]);
    expect({ status, stdout }).toEqual({
      status: 1,
      stdout: 'Added 1 to the queue; 0 were in it already.\n',
    });
    expect(stderr).toMatch(
      /^line 3: malformed capability: .*\nline 4: a literal capability .*\nholdfast: 2 of what/,
    );
    expect(stderr).not.toContain('broken');
    await done(5);
  });

  it('retries a job that waits for servers, and shows it until then', async () => {
    const [lost = ''] = stored;
    await removeShares('s1');
    await removeShares('s2');
    await queue(['add', lost]);
    const waiting = await waitFor('the job waits', async () => {
      const { stdout } = await queue(['failed', '--waiting', '--json']);
      return stdout === '' ? undefined : (JSON.parse(stdout) as { history: { result: string }[] });
    });
    expect(waiting).toMatchObject({ storageIndex: index(lost), state: 'waiting', spareShares: -1 });
    expect(waiting.history[0]).toMatchObject({ result: 'unrecoverable' });
    expect((await queue(['failed', '--waiting'])).stdout).toContain(`${index(lost)}  `);
    expect((await queue(['retry', index(lost)])).stdout).toBe('Queued 1 again.\n');
    expect((await queue(['retry', '--all', '--json'])).stdout).toBe('{"retried":0}\n');
  });

  it('shows a job that has failed, and why, and queues it again', async () => {
    const edit = async (nickname: string, from: string, to: string) => {
      await lab.stop(nickname);
      const file = join(lab.dir, nickname, 'node.yaml');
      const settings = await readFile(file, 'utf8');
      expect(settings).toContain(from);
      await writeFile(file, settings.replace(from, to));
      await lab.start(nickname);
    };
    const answer = await fetch(new URL('/uri', lab.broker), { method: 'PUT', body: randomBytes(500) });
    const capability = (await answer.text()).trim();
    await removeShares('s1');
    for (const server of ['s1', 's2']) await edit(server, 'reserved_space: 1GB', 'reserved_space: 1000TB');
    await edit('repairer1', 'attempts: 5', 'attempts: 1');

    await queue(['add', capability]);
    const failed = await waitFor('the job has failed', async () => {
      const { stdout } = await queue(['failed']);
      return stdout.includes(index(capability)) ? stdout : undefined;
    });
    expect(failed).toContain('2 of 4 shares are good after the repair; no server takes another');
    const { stdout: asJson } = await queue(['failed', '--json']);
    expect(JSON.parse(asJson)).toMatchObject({ history: [{ result: 'failed', attempt: 1 }] });

    for (const server of ['s1', 's2']) await edit(server, 'reserved_space: 1000TB', 'reserved_space: 1GB');
    expect((await queue(['retry', '--all'])).stdout).toBe('Queued 1 again.\n');
    await queue(['status', '--watch']);
    expect((await queue(['failed'])).stdout).toBe('No job has failed.\n');
  });

  it('removes what is in the queue and not being done, and says what is not', async () => {
    const [first = '', second = ''] = stored;
    await lab.stop('repairer1');
    await queue(['add', first]);
    const removed = await queue(['remove', index(first), second, 'nonsense']);
    expect(removed).toMatchObject({
      status: 1,
      stdout: 'Removed 1 from the queue; 1 were not in it.\n',
      stderr: expect.stringMatching(/^argument 3: malformed capability.*\nholdfast: 1 of what was named/),
    });
    expect((await queue(['remove', '--json', first])).stdout).toBe('{"removed":0,"absent":1,"refused":[]}\n');
    await lab.start('repairer1');
  });

  it.each([
    [['add']],
    [['remove']],
    [['retry']],
    [['retry', 'nonsense']],
    // A storage index of 16 bytes leaves two bits of its last character unused.
    [['retry', '7'.repeat(26)]],
    [['retry', '--all', 'a'.repeat(26)]],
  ])('is not to be used so: %j', async (args) => {
    expect((await queue(args)).status).toBe(2);
  });

  it('wants the folder of a repairer', async () => {
    const { status, stderr } = await holdfast(['queue', 'status', '--dir', join(lab.dir, 's1')]);
    expect(status).toBe(1);
    expect(stderr).toContain(
      'is the folder of a storage: expected the folder of a repairer, or of a lab with one',
    );
  });

  it('leaves nothing in the log that lets anybody read a file', async () => {
    const log = await readFile(join(lab.dir, 'repairer1', 'node.log'), 'utf8');
    for (const capability of stored) expect(log).not.toContain(capability.split(':')[2]);
  });
});
