import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AnnouncementSubscriber,
  announcementSubjects,
  buildStorageAnnouncement,
  type SignedAnnouncement,
  signAnnouncement,
  type VerifiedAnnouncement,
} from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import { openDatabase } from '@holdfast/common/database';
import {
  generateSigningKey,
  type Identity,
  loadIdentity,
  newIdentityFiles,
  parseSigningKey,
  publicKeyText,
} from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { createTestDatabase, type RunningNats, startNats, temporaryFolder, waitFor } from '@holdfast/lab';
import { base32Encode } from '@holdfast/lafs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AnnouncementStore } from './announcement-store.js';
import { Introducer } from './introducer.js';
import { migrateIntroducer } from './migrations.js';

const logger = silentLogger();
const grid = 'test';
const subjects = announcementSubjects(grid);

async function newIdentity(): Promise<Identity> {
  await using folder = await temporaryFolder('identity');
  await mkdir(join(folder.path, 'private'));
  for (const [name, text] of Object.entries(await newIdentityFiles())) {
    await writeFile(join(folder.path, 'private', name), text);
  }
  // Awaited here: the folder is gone when this returns.
  return await loadIdentity(folder.path);
}

function announcement(identity: Identity, seqnum: number, nickname = 's1'): SignedAnnouncement {
  const locations = [{ host: '127.0.0.1', port: 7201 }];
  const body = buildStorageAnnouncement({
    identity,
    nickname,
    seqnum,
    locations,
    swissnum: 'abc',
    version: '0',
  });
  return signAnnouncement(body, identity);
}

/** An introducer with a database of its own, on the bus of this file. */
async function startIntroducer(nats: RunningNats) {
  const temporary = await createTestDatabase();
  const database = await openDatabase({ url: temporary.url, applicationName: 'test', logger });
  await migrateIntroducer(database, logger);
  const bus = new Bus({ url: nats.url, name: 'introducer', logger });
  const store = new AnnouncementStore(database, grid);
  const introducer = new Introducer({ bus, subjects, store, logger, registry: createRegistry({}) });
  const stop = introducer.start();
  await until(() => bus.connected);
  return {
    introducer,
    async [Symbol.asyncDispose]() {
      stop();
      await bus.close();
      await database.close();
      await temporary[Symbol.asyncDispose]();
    },
  };
}

const until = (holds: () => boolean) => waitFor('the condition', () => holds() || undefined);

describe('the introducer', () => {
  let nats: RunningNats;
  let identity: Identity;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(async () => nats[Symbol.asyncDispose]());
  beforeEach(async () => {
    identity = await newIdentity();
  });

  it('takes an announcement, and a newer one after it', async () => {
    await using running = await startIntroducer(nats);
    expect(await running.introducer.take(announcement(identity, 1))).toEqual({ accepted: true });
    expect(await running.introducer.take(announcement(identity, 2, 'renamed'))).toEqual({ accepted: true });
    const { announcements } = await running.introducer.page();
    expect(announcements).toHaveLength(1);
    expect(announcements[0]?.message).toContain('renamed');
  });

  it('refuses what is older than the newest, naming the newest', async () => {
    await using running = await startIntroducer(nats);
    await running.introducer.take(announcement(identity, 5));
    const answer = { refused: 'seqnum 4 is not above 5', newest: 5 };
    expect(await running.introducer.take(announcement(identity, 4))).toEqual(answer);
    expect(await running.introducer.take(announcement(identity, 5, 'other'))).toMatchObject({ newest: 5 });
  });

  it('keeps the newest of many that come at once', async () => {
    await using running = await startIntroducer(nats);
    const seqnums = [7, 3, 9, 1, 8, 2, 6, 4, 5];
    await Promise.all(seqnums.map((seqnum) => running.introducer.take(announcement(identity, seqnum))));
    const { announcements } = await running.introducer.page();
    expect(announcements.map(({ message }) => JSON.parse(message).seqnum)).toEqual([9]);
  });

  it('refuses forged, truncated and misshapen announcements', async () => {
    await using running = await startIntroducer(nats);
    const good = announcement(identity, 1);
    const other = generateKeyPairSync('ed25519').privateKey;
    const forgedSignature = sign(null, Buffer.from(good.message), other);
    const signed = (message: string) => ({
      ...good,
      message,
      signature: signAnnouncementText(message, identity),
    });
    const refused = async (each: SignedAnnouncement, reason: RegExp) =>
      expect(await running.introducer.take(each)).toEqual({ refused: expect.stringMatching(reason) });
    await refused(
      { ...good, signature: `v0-${base32Encode(forgedSignature)}` },
      /signature is not by this key/,
    );
    await refused({ ...good, message: good.message.replace('s1', 's2') }, /signature is not by this key/);
    await refused({ ...good, message: good.message.slice(0, -1) }, /signature is not by this key/);
    await refused({ ...good, signature: 'v0-abc' }, /expected a signature/);
    await refused({ ...good, key: 'v0-abc' }, /expected a key/);
    await refused(signed('{"seqnum":'), /not JSON/);
    await refused(signed('{"seqnum":1}'), /announcement: /);
    await refused(signed(JSON.stringify({ pad: 'x'.repeat(20_000) })), /the most/);
    expect((await running.introducer.page()).announcements).toEqual([]);
  });

  it('gives a new subscriber the whole set at once, in pages, and every change after it', async () => {
    await using running = await startIntroducer(nats);
    const nickname = 'n'.repeat(390);
    for (let i = 0; i < 600; i++) {
      identity = { ...identity, ...signingIdentity() };
      await running.introducer.take(announcement(identity, 1, nickname));
    }
    const heard = new Map<string, VerifiedAnnouncement>();
    const bus = new Bus({ url: nats.url, name: 'subscriber', logger });
    const stop = new AnnouncementSubscriber({
      bus,
      grid,
      logger,
      onAnnouncement: (each) => heard.set(each.serverId, each),
    }).start();
    await until(() => heard.size === 600);
    const storage = new Bus({ url: nats.url, name: 'storage', logger });
    await until(() => storage.connected);
    const answer = await storage.ask(subjects.announce, announcement(identity, 2, 'moved'));
    expect(answer).toEqual({ accepted: true });
    await until(() => heard.get(identity.serverId)?.body.nickname === 'moved');
    await stop();
    await Promise.all([bus.close(), storage.close()]);
  });
});

function signAnnouncementText(message: string, identity: Identity): string {
  return `v0-${base32Encode(sign(null, Buffer.from(message), identity.signingKey))}`;
}

/** A server of another key; all of them may share one certificate. */
function signingIdentity(): Pick<Identity, 'serverId' | 'signingKey' | 'publicKey'> {
  const signingKey = parseSigningKey(generateSigningKey());
  return { signingKey, publicKey: createPublicKey(signingKey), serverId: publicKeyText(signingKey) };
}
