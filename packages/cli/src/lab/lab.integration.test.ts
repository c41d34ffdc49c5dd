import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type LabStatus, readLabJson, temporaryFolder } from '@holdfast/lab';
import { expect, it } from 'vitest';
import { holdfast } from '../testing/run-holdfast.js';

it('a lab in the background is started, looked at, changed and ended by commands', async () => {
  await using folder = await temporaryFolder('lab');
  const dir = join(folder.path, 'lab');
  const lab = (...args: string[]) => holdfast(['lab', ...args, '--dir', dir]);
  const up = await lab('up', '--detach', '--storage', '2', '--shares', '1,2,2');
  try {
    expect(up).toMatchObject({ status: 0, stderr: '' });
    const { broker } = await readLabJson(dir);
    expect(up.stdout).toContain(broker);

    expect((await lab('stop', 's2')).status).toBe(0);
    expect(await lab('stop', 's2')).toMatchObject({ status: 1, stderr: 'holdfast: s2 is not running\n' });
    expect((await lab('stop', 's3')).stderr).toContain('the lab has no s3');
    const status = JSON.parse((await lab('status', '--json')).stdout) as LabStatus;
    const stopped = status.processes.filter(({ pid }) => pid === null);
    expect(stopped.map(({ nickname }) => nickname)).toEqual(['s2']);
    expect((await lab('status')).stdout).toMatch(/s2 +storage +\S+ +stopped/);
    expect((await lab('start', 's2')).status).toBe(0);

    expect((await lab('up', '--detach')).stderr).toContain('running already');
  } finally {
    expect((await lab('down')).status).toBe(0);
  }
  expect((await lab('status')).status).toBe(1);
  await expect(access(join(dir, 'lab.json'))).rejects.toThrow();
  expect(await lab('down')).toMatchObject({ status: 0, stdout: 'The lab was not running.\n' });
}, 120_000);
