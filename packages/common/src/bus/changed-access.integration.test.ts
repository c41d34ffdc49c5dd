import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  freePort,
  type RunningGuardedNats,
  startGuardedNats,
  type TemporaryFolder,
  temporaryFolder,
  waitFor,
} from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { busAccess } from '../configuration/index.js';
import { silentLogger } from '../logging/index.js';
import { Bus } from './bus.js';

// What a node is let onto its bus by is changed while it runs: first at the bus, and a while later in its folder.

describe('a bus whose access is changed', () => {
  let folder: TemporaryFolder;
  let nats: RunningGuardedNats;
  let bus: Bus;
  const guarded = () => join(folder.path, 'nats');
  const inPrivate = (name: string) => join(folder.path, 'node', 'private', name);
  const becomes = (connected: boolean) =>
    waitFor(`connected: ${connected}`, () => bus.connected === connected || undefined, { timeoutMs: 60_000 });

  beforeEach(async () => {
    folder = await temporaryFolder('changed-access');
    nats = await startGuardedNats(guarded(), { grid: 'g', port: await freePort() });
    await mkdir(join(folder.path, 'node', 'private'), { recursive: true });
    await writeFile(inPrivate('bus.password'), `${nats.guard.passwords.storage}\n`);
    await writeFile(inPrivate('bus-ca.pem'), nats.guard.ca);
    const access = await busAccess(join(folder.path, 'node'), 'bus', `tls://storage@127.0.0.1:${nats.port}`);
    bus = new Bus({ ...access, name: 'node', logger: silentLogger() });
    await becomes(true);
  });
  afterEach(async () => {
    await bus?.close();
    await nats?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  it('is used again with the new password once that is in private/, without a restart', async () => {
    const file = join(guarded(), 'passwords.conf');
    const before = await readFile(file, 'utf8');
    await writeFile(file, before.replace(/^storage_password: .*$/m, 'storage_password: "another one"'));
    process.kill(nats.process.pid, 'SIGHUP');
    await becomes(false);
    expect(bus.problem).toBeDefined();
    await writeFile(inPrivate('bus.password'), 'another one\n');
    await becomes(true);
  });

  it('is used again with its new certificate once that is in private/, without a restart', async () => {
    const { port } = nats;
    await nats[Symbol.asyncDispose]();
    await rm(guarded(), { recursive: true });
    nats = await startGuardedNats(guarded(), { grid: 'g', port });
    await becomes(false);
    await writeFile(inPrivate('bus.password'), `${nats.guard.passwords.storage}\n`);
    await writeFile(inPrivate('bus-ca.pem'), nats.guard.ca);
    await becomes(true);
  });
});
