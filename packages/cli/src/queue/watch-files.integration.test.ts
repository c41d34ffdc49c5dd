import { randomBytes } from 'node:crypto';
import type { WatchStatus } from '@holdfast/common/repairs';
import { Lab, waitFor } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdfast } from '../testing/run-holdfast.js';

describe('holdfast queue watch', () => {
  let lab: Lab;
  const stored: string[] = [];
  beforeAll(async () => {
    lab = await Lab.up({ storage: 2, repairers: 1, shares: { required: 1, happy: 2, total: 4 } });
    for (let count = 0; count < 3; count++) {
      const answer = await fetch(new URL('/uri', lab.broker), { method: 'PUT', body: randomBytes(500) });
      stored.push((await answer.text()).trim());
    }
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  const watch = (args: readonly string[], input?: string) =>
    holdfast(['queue', 'watch', ...args, '--dir', lab.dir], input === undefined ? {} : { input });
  const status = async () => JSON.parse((await watch(['status', '--json'])).stdout) as WatchStatus;

  it('puts files under watch, and shows how they are', async () => {
    expect(await watch(['add', '--file', '-'], `# all\n${stored.join('\n')}\n`)).toEqual({
      status: 0,
      stdout: 'Put 3 under watch; 0 were in this manifest already.\n',
      stderr: '',
    });
    await waitFor('all were checked, and the servers counted', async () => {
      const { files, servers } = await status();
      return (files[0]?.spare === 3 && servers.active === 2) || undefined;
    });
    const { stdout } = await watch(['status']);
    expect(stdout).toMatch(
      /^3 files under watch; repairer1 schedules\nservers: 2 active, 0 leaving, 0 away, 0 given up\n/,
    );
    for (const capability of stored) expect(stdout).not.toContain(capability.split(':')[2]);
  });

  it('keeps a file that is in another manifest', async () => {
    const [first = ''] = stored;
    expect((await watch(['add', first, '--account', 'alice', '--json'])).stdout).toBe(
      '{"added":1,"known":0,"refused":[]}\n',
    );
    expect((await watch(['remove', '--all'])).stdout).toBe('Took 3 from this manifest.\n');
    await waitFor('one is left', async () => {
      const { files } = await status();
      return (files.length === 1 && files[0]?.files === 1) || undefined;
    });
    expect((await watch(['remove', first, '--account', 'alice'])).stdout).toBe(
      'Took 1 from this manifest.\n',
    );
    await waitFor('none is left', async () => (await status()).files.length === 0 || undefined);
  });

  it('refuses what names no file, by its line and without showing it, and takes the rest', async () => {
    const {
      status: exit,
      stdout,
      stderr,
    } = await watch(['add', '--file', '-'], `${stored[0]}\nURI:CHK:broken\n`);
    expect({ exit, stdout }).toEqual({
      exit: 1,
      stdout: 'Put 1 under watch; 0 were in this manifest already.\n',
    });
    expect(stderr).toMatch(/^line 2: malformed capability: .*\nholdfast: 1 of what .* under watch\n$/);
    expect(stderr).not.toContain('broken');
  });

  it('says what it expected', async () => {
    expect(await watch(['add'])).toMatchObject({ status: 2 });
    expect(await watch(['add', 'x', '--account', 'a b'])).toMatchObject({ status: 2 });
    expect(await watch(['remove', 'x', '--all'])).toMatchObject({ status: 2 });
  });
});
