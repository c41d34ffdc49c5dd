import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '@holdfast/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { holdfast } from '../testing/run-holdfast.js';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder('manager');
});
afterAll(() => folder[Symbol.asyncDispose]());

const key = `pub-v0-${'a'.repeat(51)}q`;

it('a grid manager is named by --dir, as every folder, or by --config, as with Tahoe-LAFS', async () => {
  const dir = join(folder.path, 'ours');
  const manager = async (...args: string[]) => {
    const { status, stdout, stderr } = await holdfast(['grid-manager', ...args, '--json']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout);
  };
  const { publicKey } = await manager('create', '--dir', dir);
  expect(await manager('public-identity', '--config', dir)).toEqual({ publicKey });
  expect(await manager('add', 's1', key, '--dir', dir)).toEqual({ name: 's1', publicKey: key });
  expect(await manager('sign', 's1', '10', '--config', dir)).toHaveProperty('signature');
  expect(await manager('list', '--dir', dir)).toMatchObject([
    { name: 's1', certificates: [{ number: 0, valid: true }] },
  ]);
});
