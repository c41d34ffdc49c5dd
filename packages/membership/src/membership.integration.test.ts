import { createPublicKey } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  announcementSubjects,
  buildStorageAnnouncement,
  signAnnouncement,
} from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import { type Database, openDatabase } from '@holdfast/common/database';
import {
  generateNodePem,
  generateSigningKey,
  newSecretFile,
  parseNodePem,
  parseSigningKey,
  publicKeyText,
} from '@holdfast/common/identity';
import { Lifecycle } from '@holdfast/common/lifecycle';
import { type LogLine, recordingLogger, silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import {
  createTestDatabase,
  type RunningGuardedNats,
  startGuardedNats,
  type TemporaryFolder,
  temporaryFolder,
  waitFor,
} from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Membership } from './membership.js';

// A node that listens to an introducer on a bus that asks who it is.

const grid = 'g';

let folder: TemporaryFolder;
let place: Awaited<ReturnType<typeof createTestDatabase>>;
let database: Database;
let nats: RunningGuardedNats;
let lifecycle: Lifecycle;
let membership: Membership;
let lines: LogLine[];

beforeEach(async () => {
  folder = await temporaryFolder('member');
  place = await createTestDatabase();
  database = await openDatabase({ url: place.url, applicationName: 'test', logger: silentLogger() });
  nats = await startGuardedNats(join(folder.path, 'nats'), { grid });
  await mkdir(inNode('private'), { recursive: true });
  await writeFile(inNode('private', 'secret'), newSecretFile());
  await writeFile(inNode('private', 'introducer-ours-ca.pem'), nats.guard.ca);
  await writeFile(inNode('private', 'introducer-ours.password'), `${nats.guard.passwords.broker}\n`);
  await writeFile(
    inNode('connections.yaml'),
    `introducers: { ours: { url: "tls://broker@127.0.0.1:${nats.port}" } }\n`,
  );
  const log = recordingLogger('info');
  lines = log.lines;
  lifecycle = new Lifecycle(log.logger);
  membership = await Membership.open({
    dir: inNode(),
    configuration: {
      nickname: 'b1',
      grid,
      bus: 'nats://127.0.0.1:1',
      anonymous: false,
      grid_managers: {},
      announcements: { forget_after: 86_400_000, most_servers: 1 },
    },
    clientName: 'broker',
    logger: log.logger,
    registry: createRegistry({}),
  });
  await membership.join({ database, lifecycle });
});
afterEach(async () => {
  await lifecycle.stop();
  await database.close();
  await nats[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const inNode = (...path: string[]) => join(folder.path, 'node', ...path);
const connected = (is: boolean) =>
  waitFor(`it is ${is ? '' : 'not '}connected`, () =>
    membership.introducers()[0]?.connected === is ? true : undefined,
  );

describe('the password of an introducer', () => {
  it('is used when it changes, without a change of connections.yaml, and never logged', async () => {
    await connected(true);
    await writeFile(inNode('private', 'introducer-ours.password'), 'another\n');
    await connected(false);
    await waitFor('its status says why', () => membership.introducers()[0]?.lastError);
    await writeFile(inNode('private', 'introducer-ours.password'), `${nats.guard.passwords.broker}\n`);
    await connected(true);
    // Attempts to connect read the file too, and may be quicker than the watch.
    await waitFor(
      'both changes are seen',
      () => lines.filter(({ msg }) => msg.includes('was changed in private/')).length === 2 || undefined,
    );
    expect(JSON.stringify(lines)).not.toContain(nats.guard.passwords.broker);
    expect(membership.refusedEdit).toBeUndefined();
  });
});

describe('an introducer', () => {
  it('makes a node believe in no more servers than its settings say', async () => {
    await connected(true);
    const ids = await tellOf(2);
    const first = await waitFor('one is believed', () => membership.statuses()[0]);
    expect(ids).toContain(first.id);
    await waitFor('the other is passed over', () =>
      lines.find(({ msg }) => msg.includes('more servers than are believed')),
    );
    expect(membership.statuses()).toHaveLength(1);
  });
});

/** Has the introducer tell of so many servers; returns their ids. */
async function tellOf(count: number): Promise<string[]> {
  const { ca } = nats.guard;
  const bus = new Bus({ url: nats.urlOf('introducer'), ca, name: 'introducer', logger: silentLogger() });
  try {
    await waitFor('the introducer is connected', () => bus.connected || undefined);
    const tls = parseNodePem(await generateNodePem());
    return Array.from({ length: count }, (_, index) => {
      const signingKey = parseSigningKey(generateSigningKey());
      const serverId = publicKeyText(signingKey);
      const identity = { serverId, signingKey, publicKey: createPublicKey(signingKey), tls };
      const locations = [{ host: '127.0.0.1', port: 9 }];
      const fields = { identity, nickname: `s${index}`, seqnum: 1, locations, swissnum: 'abc', version: '1' };
      bus.publish(
        announcementSubjects(grid).announced,
        signAnnouncement(buildStorageAnnouncement(fields), identity),
      );
      return serverId;
    });
  } finally {
    await bus.close();
  }
}
