import { mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigurationError } from '@holdfast/common/configuration';
import { type LogLine, recordingLogger, silentLogger } from '@holdfast/common/logging';
import { type TemporaryFolder, temporaryFolder, waitFor } from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectionsConfiguration } from './connections-configuration.js';
import { ConnectionsFile } from './connections-file.js';

let folder: TemporaryFolder;
let path: string;
let file: ConnectionsFile;
let taken: string[][];
let unfollow: () => Promise<void>;
let lines: LogLine[];

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
  await mkdir(join(folder.path, 'private'));
  await writeFile(path, naming('first'));
  await follow();
});
afterEach(async () => {
  await unfollow();
  await folder[Symbol.asyncDispose]();
});

async function follow(settledAfter?: number): Promise<void> {
  const log = recordingLogger();
  lines = log.lines;
  file = await ConnectionsFile.open(path, log.logger, undefined, settledAfter);
  unfollow = file.follow(async (connections) => {
    if (named(connections).includes('unwanted')) throw new Error('not this one');
    if (named(connections).includes('guarded'))
      await readFile(join(folder.path, 'private', 'introducer-guarded.password'));
    taken.push(named(connections));
  });
}

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
    await unfollow();
    // Long beside the pauses: what stays the same for as long counts as written.
    await follow(3_000);
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

  const bomb = Array.from({ length: 20 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i}, `.repeat(9)}]`);
  const serverId = `v0-${'a'.repeat(52)}`;
  const clause = (nurl: string) =>
    `servers: { ${serverId}: { server_options: { announcement: { anonymous-storage-NURLs: ["${nurl}"] } } } }`;

  it.each([
    ['would unfold without end', `l0: &l0 x\n${bomb.join('\n')}\n`, /alias/i],
    ['is nested without end', `servers: ${'{ a: '.repeat(50_000)}`, /./],
    ['is larger than it can be meant to be', `# ${'x'.repeat(5 * 2 ** 20)}`, /expected at most 4 MiB/],
    [
      'names a handler that does not exist',
      'connection_types: { tcp: { handler: pigeon } }',
      /a handler: tcp/,
    ],
    [
      'has a NURL with a hash that can be none',
      clause(`pb://abc@h:1/${'s'.repeat(32)}#v=1`),
      /malformed NURL/,
    ],
    ['is no YAML', 'servers: [', /./],
    ['is no UTF-8', Buffer.of(0xc3, 0x28, 0xff, 0xfe), /./],
    [
      'names more introducers than can be meant',
      naming(...Array.from({ length: 33 }, (_, i) => `i${i}`)),
      /at most 32/,
    ],
  ])('is refused where it %s, logged once, and what was in force goes on', async (_what, content, reason) => {
    await writeFile(path, content);
    expect((await refuses()).reason).toMatch(reason);
    // However often it is looked at.
    for (let time = 0; time < 3; time++) {
      await writeFile(path, content);
      await delay(20);
    }
    expect(lines).toMatchObject([
      { msg: expect.stringContaining('connections.yaml was changed and is wrong') },
    ]);
    expect(named(file.current)).toEqual(['first']);
    await writeFile(path, naming('mended'));
    await takes('mended');
    expect(lines).toHaveLength(1);
  });

  it('is missed where it is gone, and taken when it is back', async () => {
    await rm(path);
    expect(await refuses()).toMatchObject({ reason: 'there is no such file' });
    expect(named(file.current)).toEqual(['first']);
    await writeFile(path, naming('back'));
    await takes('back');
  });
});

describe('a password or a certificate of private/ while the node runs', () => {
  const inPrivate = (name: string) => join(folder.path, 'private', name);

  it.each(['introducer-first.password', 'introducer-first-ca.pem', 'bus.password', 'bus-ca.pem'])(
    'is taken with what is in force: %s',
    async (name) => {
      await writeFile(inPrivate(name), 'new\n');
      await waitFor('it is taken', () => taken.length === 1 || undefined);
      await rename(inPrivate(name), inPrivate('away'));
      await waitFor('that it is gone is taken', () => taken.length === 2 || undefined);
      expect(taken).toEqual([['first'], ['first']]);
    },
  );

  it('is not taken where it is for something else', async () => {
    await writeFile(inPrivate('postgres.password'), 'new\n');
    await delay(400);
    await writeFile(inPrivate('bus.password'), 'new\n');
    await waitFor('the other is taken', () => taken.length > 0 || undefined);
    expect(taken).toHaveLength(1);
  });

  it('is taken while an edit is refused, and does not make it good', async () => {
    await writeFile(path, 'nonsense: 1');
    await refuses();
    await writeFile(inPrivate('bus.password'), 'new\n');
    await waitFor('it is taken', () => taken.length === 1 || undefined);
    expect(taken).toEqual([['first']]);
    expect(file.refused?.reason).toContain('nonsense');
    expect(lines).toHaveLength(1);
  });
});

describe('an edit that is refused because of a file of private/', () => {
  it('is in force when that file is mended, and until then what was before is taken with what else changes', async () => {
    await writeFile(path, naming('guarded'));
    expect((await refuses()).reason).toContain('introducer-guarded.password');
    await writeFile(join(folder.path, 'private', 'bus.password'), 'new\n');
    await waitFor('what is in force is taken', () => taken.length === 1 || undefined);
    expect(taken).toEqual([['first']]);
    await writeFile(join(folder.path, 'private', 'introducer-guarded.password'), 'new\n');
    await takes('guarded');
    expect(file.refused).toBeUndefined();
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
