import { createPublicKey, sign } from 'node:crypto';
import {
  AnnouncementSubscriber,
  announcementSubjects,
  buildStorageAnnouncement,
  type SignedAnnouncement,
  signAnnouncement,
  type VerifiedAnnouncement,
} from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import { type Database, openDatabase } from '@holdfast/common/database';
import {
  generateNodePem,
  generateSigningKey,
  type Identity,
  parseNodePem,
  parseSigningKey,
  publicKeyText,
} from '@holdfast/common/identity';
import { type LogLine, recordingLogger, silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { createTestDatabase, type RunningNats, startNats, waitFor } from '@holdfast/lab';
import { base32Encode } from '@holdfast/lafs';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AnnouncementStore } from './announcement-store.js';
import { Introducer } from './introducer.js';
import { migrateIntroducer } from './migrations.js';

// Whoever can speak on the bus says what is wrong, and very often: to the introducer, and to those who listen to it.

const grid = 'test';
const subjects = announcementSubjects(grid);
const rounds = 200;
/** Servers that the introducer keeps. */
const room = 20;
/** An answer comes behind all that was said before, for which a busy machine takes longer than the second that is given by itself. */
const patient = { timeout: 20_000 };

let nats: RunningNats;
let place: Awaited<ReturnType<typeof createTestDatabase>>;
let database: Database;
let bus: Bus;
let introducerLog: LogLine[];
let subscriberLog: LogLine[];
let heard: VerifiedAnnouncement[];
let stops: (() => unknown)[];
/** Somebody who says what he likes. */
let stranger: NatsConnection;

beforeEach(async () => {
  nats = await startNats();
  place = await createTestDatabase();
  const logger = silentLogger();
  database = await openDatabase({ url: place.url, applicationName: 'test', logger });
  await migrateIntroducer(database, logger);
  const [ofIntroducer, ofSubscriber] = [recordingLogger(), recordingLogger()];
  introducerLog = ofIntroducer.lines;
  subscriberLog = ofSubscriber.lines;
  heard = [];
  bus = new Bus({ url: nats.url, name: 'introducer', logger: ofIntroducer.logger });
  const store = new AnnouncementStore(database, grid, room);
  const parts = { bus, subjects, store, logger: ofIntroducer.logger, registry: createRegistry({}) };
  const listening = new Bus({ url: nats.url, name: 'broker', logger: ofSubscriber.logger });
  const subscriber = new AnnouncementSubscriber({
    bus: listening,
    grid,
    logger: ofSubscriber.logger,
    onAnnouncement: (announcement) => heard.push(announcement),
  });
  stops = [new Introducer(parts).start(), subscriber.start(), () => listening.close()];
  stranger = await connect({ servers: new URL(nats.url).host });
  await waitFor('both are connected', () => (bus.connected && listening.connected) || undefined);
});
afterEach(async () => {
  for (const stop of stops) await stop();
  await stranger.close();
  await bus.close();
  await database.close();
  await place[Symbol.asyncDispose]();
  await nats[Symbol.asyncDispose]();
});

async function newServer(): Promise<Identity> {
  const signingKey = parseSigningKey(generateSigningKey());
  const tls = parseNodePem(await generateNodePem());
  return { signingKey, publicKey: createPublicKey(signingKey), serverId: publicKeyText(signingKey), tls };
}

function announcement(identity: Identity, seqnum: number): SignedAnnouncement {
  const locations = [{ host: '127.0.0.1', port: 7201 }];
  const fields = { identity, nickname: 's1', seqnum, locations, swissnum: 'abc', version: '0' };
  return signAnnouncement(buildStorageAnnouncement(fields), identity);
}

function signText(identity: Identity, message: string): SignedAnnouncement {
  const signature = `v0-${base32Encode(sign(null, Buffer.from(message), identity.signingKey))}`;
  return { message, signature, key: identity.serverId };
}

/** A server nobody has heard of yet is taken, and told to those who listen: all before it has been handled. Returns its id. */
async function stillWorks(): Promise<string> {
  const signed = announcement(await newServer(), 1);
  const answer = await stranger.request(subjects.announce.name, JSON.stringify(signed), patient);
  expect(answer.json()).toEqual({ accepted: true });
  await waitFor('it is heard', () => heard.some(({ serverId }) => serverId === signed.key) || undefined);
  return signed.key;
}

const kinds: [string, (identity: Identity) => SignedAnnouncement | Uint8Array][] = [
  [
    'forged',
    (identity) => ({ ...announcement(identity, 9), signature: announcement(identity, 8).signature }),
  ],
  ['truncated', (identity) => signText(identity, announcement(identity, 9).message.slice(0, -20))],
  ['oversized', (identity) => signText(identity, JSON.stringify({ pad: 'x'.repeat(100_000) }))],
  [
    'not UTF-8',
    (identity) => Buffer.concat([Buffer.from(JSON.stringify(announcement(identity, 9))), Buffer.of(0xff)]),
  ],
  ['no JSON', () => Buffer.from('{"message":')],
  ['of a key that is none', (identity) => ({ ...announcement(identity, 9), key: 'v0-nobody' })],
];

describe('announcements that are wrong', () => {
  it.each(kinds)('when they are %s are refused, logged once, and disturb nobody', async (_kind, make) => {
    const bad = make(await newServer());
    const data = bad instanceof Uint8Array ? bad : JSON.stringify(bad);
    const { refused } = (await stranger.request(subjects.announce.name, data, patient)).json() as {
      refused?: string;
    };
    expect(refused).toMatch(/./);
    for (let round = 0; round < rounds; round++) {
      stranger.publish(subjects.announce.name, data);
      stranger.publish(subjects.announced.name, data);
    }
    const added = await stillWorks();
    // Maybe twice: when it is told, and among all servers, for which a subscriber asks until it gets an answer.
    expect(new Set(heard.map(({ serverId }) => serverId))).toEqual(new Set([added]));
    expect(introducerLog).toHaveLength(1);
    expect(subscriberLog).toHaveLength(1);
  });

  it('when they are old and said again change nothing', async () => {
    const identity = await newServer();
    const [old, newest] = [announcement(identity, 1), announcement(identity, 2)];
    for (const signed of [old, newest])
      await stranger.request(subjects.announce.name, JSON.stringify(signed), patient);
    for (let round = 0; round < rounds; round++)
      stranger.publish(subjects.announce.name, JSON.stringify(round % 2 ? old : newest));
    await stillWorks();
    const answer = await stranger.request(subjects.list.name, '{}', patient);
    expect(answer.string()).toContain(JSON.stringify(newest.message).slice(1, -1));
    expect(answer.string()).not.toContain(JSON.stringify(old.message).slice(1, -1));
    expect(introducerLog).toHaveLength(1);
    // It may announce itself still: those who said it again have used up nothing.
    const next = await stranger.request(
      subjects.announce.name,
      JSON.stringify(announcement(identity, 3)),
      patient,
    );
    expect(next.json()).toEqual({ accepted: true });
  });
});

describe('more keys than an introducer keeps servers', () => {
  it('are refused, logged once, and disturb none of those that are known', async () => {
    const known = await newServer();
    const say = async (signed: SignedAnnouncement) => {
      const answer = await stranger.request(subjects.announce.name, JSON.stringify(signed), patient);
      return answer.json() as { accepted?: true; refused?: string };
    };
    expect(await say(announcement(known, 1))).toEqual({ accepted: true });
    const { tls } = known;
    const made = Array.from({ length: rounds }, () => {
      const signingKey = parseSigningKey(generateSigningKey());
      return { signingKey, publicKey: createPublicKey(signingKey), serverId: publicKeyText(signingKey), tls };
    });
    const answers: { accepted?: true; refused?: string }[] = [];
    for (const identity of made) answers.push(await say(announcement(identity, 1)));
    expect(answers.filter(({ accepted }) => accepted)).toHaveLength(room - 1);
    expect(answers.at(-1)?.refused).toBe(
      `${room} servers are known, and no more are kept (announcements.most_servers)`,
    );
    expect(introducerLog).toMatchObject([{ msg: 'announcement refused', reason: answers.at(-1)?.refused }]);
    expect(await say(announcement(known, 2))).toEqual({ accepted: true });
    await waitFor(
      'the news is heard',
      () => heard.some(({ serverId, seqnum }) => serverId === known.serverId && seqnum === 2) || undefined,
    );
    const list = await stranger.request(subjects.list.name, '{}', patient);
    expect((list.json() as { announcements: unknown[] }).announcements).toHaveLength(room);
  }, 120_000);
});

describe('a hundred thousand announcements of one key', () => {
  it('are let through slowly, logged once, and keep no other server waiting', async () => {
    const identity = await newServer();
    const started = Date.now();
    for (let seqnum = 1; seqnum <= 100_000; ) {
      for (const last = seqnum + 1_000; seqnum < last; seqnum++)
        stranger.publish(subjects.announce.name, JSON.stringify(announcement(identity, seqnum)));
      if (seqnum % 20_000 === 1) await stillWorks();
      // The introducer has taken them all when it answers this.
      await stranger.request(subjects.list.name, '{}', patient);
    }
    const allowed = 20 + (Date.now() - started) / 3_000 + 1;
    const ofIt = heard.filter(({ serverId }) => serverId === identity.serverId);
    const told = new Set(ofIt.map(({ seqnum }) => seqnum));
    expect(told.size).toBeGreaterThanOrEqual(1);
    expect(told.size).toBeLessThanOrEqual(allowed);
    expect(
      introducerLog.filter(({ reason }) => String(reason).includes('too many announcements')),
    ).toHaveLength(1);
    // Of the first ones, which are written at the same time, some may be older than what is written already.
    expect(introducerLog.length).toBeLessThanOrEqual(2);
    expect(subscriberLog).toEqual([]);
  }, 120_000);
});
