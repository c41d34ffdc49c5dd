import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectionTypes } from '../connections/index.js';
import { readIntroducers } from './introducer-access.js';

describe('how introducers are reached', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'introducers-'));
    await mkdir(join(dir, 'private'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  const node = { anonymous: false, bus: 'nats://me@127.0.0.1:4222' };
  const tor = connectionTypes.parse({ tor: { handler: 'tor' } });
  const direct = connectionTypes.parse({ tcp: { handler: 'tcp' } });
  const named = {
    near: { url: 'nats://10.0.0.2:4222', connection_types: direct },
    far: { url: 'nats://me@abcdefghijklmnop.onion:4222' },
  };

  it('is said by the map for all, and by their own where they have one, which replaces it whole', async () => {
    const access = await readIntroducers(dir, node, named, tor);
    expect(access.get('near')?.connectionTypes).toEqual(direct);
    expect(access.get('far')?.connectionTypes).toEqual(tor);
  });

  it('is directly without any map, and of an anonymous node in no way', async () => {
    const far = async (anonymous: boolean) =>
      (await readIntroducers(dir, { ...node, anonymous }, named, undefined)).get('far')?.connectionTypes;
    expect(await far(false)).toEqual(direct);
    expect(await far(true)).toEqual({});
  });

  it('is with what private/ says of each, as it is when it is read again', async () => {
    await writeFile(join(dir, 'private', 'introducer-far.password'), 'one\n');
    await writeFile(join(dir, 'private', 'introducer-near-ca.pem'), 'certificate');
    const access = await readIntroducers(dir, node, named, tor);
    expect(access.get('far')).toMatchObject({
      url: 'nats://me:one@abcdefghijklmnop.onion:4222',
      ca: undefined,
    });
    expect(access.get('near')).toMatchObject({ url: 'nats://10.0.0.2:4222', ca: 'certificate' });
    await writeFile(join(dir, 'private', 'introducer-far.password'), 'another\n');
    expect((await access.get('far')?.readAgain?.())?.url).toContain('me:another@');
  });

  it('is that of the bus of node.yaml where none is named, and there is none where none is wanted', async () => {
    await writeFile(join(dir, 'private', 'bus.password'), 'secret\n');
    const [own, ...more] = await readIntroducers(dir, node, undefined, undefined);
    expect(own).toMatchObject([
      'default',
      { url: 'nats://me:secret@127.0.0.1:4222', connectionTypes: direct },
    ]);
    expect(more).toEqual([]);
    expect(await readIntroducers(dir, node, {}, tor)).toEqual(new Map());
  });
});
