import { rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigurationError } from '@holdfast/common/configuration';
import { silentLogger } from '@holdfast/common/logging';
import { type TemporaryFolder, temporaryFolder, waitFor } from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectionsConfiguration } from './connections-configuration.js';
import { ConnectionsFile } from './connections-file.js';

let folder: TemporaryFolder;
let path: string;
let file: ConnectionsFile;
let taken: string[][];
let unfollow: () => Promise<void>;

const naming = (...names: string[]) =>
  `introducers: {${names.map((name) => ` ${name}: { url: "nats://h" }`).join(',')} }\n`;
const named = ({ introducers }: ConnectionsConfiguration) => Object.keys(introducers ?? {});
const takes = (...names: string[]) =>
  waitFor(`${names} are in force`, () => named(file.current).join() === names.join() || undefined);
const refuses = () => waitFor('the edit is refused', () => file.refused);

beforeEach(async () => {
  folder = await temporaryFolder('connections');
  path = join(folder.path, 'connections.yaml');
  taken = [];
  await writeFile(path, naming('first'));
  file = await ConnectionsFile.open(path, silentLogger());
  unfollow = file.follow(async (connections) => {
    if (named(connections).includes('unwanted')) throw new Error('not this one');
    taken.push(named(connections));
  });
});
afterEach(async () => {
  await unfollow();
  await folder[Symbol.asyncDispose]();
});

describe('connections.yaml while the node runs', () => {
  it('is in force as it is written over', async () => {
    await writeFile(path, naming('first', 'second'));
    await takes('first', 'second');
    await writeFile(path, naming('second'));
    await takes('second');
  });

  it('is in force when an editor puts another file in its place, each time', async () => {
    for (const name of ['second', 'third', 'fourth']) {
      await writeFile(`${path}.new`, naming(name));
      await rename(path, `${path}~`);
      await rename(`${path}.new`, path);
      await takes(name);
    }
  });

  it('is in force when it is a link that is changed', async () => {
    await writeFile(join(folder.path, 'elsewhere'), naming('linked'));
    await symlink('elsewhere', `${path}.new`);
    await rename(`${path}.new`, path);
    await takes('linked');
  });

  it('is not read while it is being written', async () => {
    await truncate(path);
    await delay(50);
    await writeFile(path, 'introducers:\n');
    await delay(50);
    await writeFile(path, naming('second'));
    await takes('second');
    expect(taken).toEqual([['second']]);
  });

  it('is taken once, however often it is touched', async () => {
    await writeFile(path, naming('second'));
    await takes('second');
    for (let time = 0; time < 3; time++) await writeFile(path, naming('second'));
    await delay(400);
    expect(taken).toEqual([['second']]);
  });

  it('is refused with line and reason where it is wrong, and what was in force stays', async () => {
    await writeFile(path, 'servers: {}\nintroducers:\n  a: { url: 7 }\n');
    expect(await refuses()).toMatchObject({ line: 3, reason: expect.stringContaining('introducers.a.url') });
    expect(named(file.current)).toEqual(['first']);
    await writeFile(path, naming('mended'));
    await takes('mended');
    expect(file.refused).toBeUndefined();
    expect(taken).toEqual([['mended']]);
  });

  it('shows no credential of what it refuses', async () => {
    await writeFile(path, 'servers: { x: "pb://a@h:1/secret" }');
    expect((await refuses()).reason).not.toContain('secret');
  });

  it('is refused where whoever takes it cannot', async () => {
    await writeFile(path, naming('unwanted'));
    expect(await refuses()).toMatchObject({ line: undefined, reason: 'not this one' });
    expect(named(file.current)).toEqual(['first']);
  });

  it('is refused where it would unfold without end', async () => {
    const levels = Array.from({ length: 20 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i}, `.repeat(9)}]`);
    await writeFile(path, `l0: &l0 x\n${levels.join('\n')}\n`);
    expect(await refuses()).toMatchObject({ line: 2, reason: expect.stringMatching(/alias/i) });
    await writeFile(path, `servers: ${'{ a: '.repeat(50_000)}`);
    await waitFor('the other is refused', () => /alias/i.test(file.refused?.reason ?? '') === false);
    expect(named(file.current)).toEqual(['first']);
  });

  it('is missed where it is gone, and taken when it is back', async () => {
    await rm(path);
    expect(await refuses()).toMatchObject({ reason: 'there is no such file' });
    expect(named(file.current)).toEqual(['first']);
    await writeFile(path, naming('back'));
    await takes('back');
  });
});

describe('connections.yaml at the start', () => {
  it('stops the node where it is wrong', async () => {
    await writeFile(path, 'nonsense: 1');
    await expect(ConnectionsFile.open(path, silentLogger())).rejects.toBeInstanceOf(ConfigurationError);
    await expect(ConnectionsFile.open(`${path}.none`, silentLogger())).rejects.toThrow(
      'there is no such file',
    );
  });
});
