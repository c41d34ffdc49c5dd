import { createPublicKey } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  buildStorageAnnouncement,
  signAnnouncement,
  type VerifiedAnnouncement,
  verifyAnnouncement,
} from '@holdfast/common/announcements';
import { type Database, openDatabase } from '@holdfast/common/database';
import {
  generateNodePem,
  generateSigningKey,
  type Identity,
  parseNodePem,
  parseSigningKey,
  publicKeyText,
} from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import { createTestDatabase, waitFor } from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrateMembership } from '../migrations.js';
import { AnnouncementCache } from './announcement-cache.js';

const logger = silentLogger();

async function newServer(): Promise<(seqnum: number, nickname?: string) => VerifiedAnnouncement> {
  const signingKey = parseSigningKey(generateSigningKey());
  const identity: Identity = {
    serverId: publicKeyText(signingKey),
    signingKey,
    publicKey: createPublicKey(signingKey),
    tls: parseNodePem(await generateNodePem()),
  };
  return (seqnum, nickname = 's1') => {
    const locations = [{ host: '127.0.0.1', port: 7201 }];
    const fields = { identity, nickname, seqnum, locations, swissnum: 'abc', version: '1' };
    return verifyAnnouncement(signAnnouncement(buildStorageAnnouncement(fields), identity));
  };
}

describe('the announcement cache', () => {
  let place: Awaited<ReturnType<typeof createTestDatabase>>;
  let database: Database;
  const open = (grid = 'g') => new AnnouncementCache({ database, grid, logger });
  beforeEach(async () => {
    place = await createTestDatabase();
    database = await openDatabase({ url: place.url, applicationName: 'test', logger });
    await migrateMembership(database, logger);
  });
  afterEach(async () => {
    await database.close();
    await place[Symbol.asyncDispose]();
  });

  it('gives a node that starts what another heard, of its own grid', async () => {
    const [one, two] = [await newServer(), await newServer()];
    const first = open();
    first.remember({ introducer: 'i1', announcement: one(1) });
    first.remember({ introducer: 'i1', announcement: two(1) });
    await first.close();
    const heard = await open().load();
    expect(heard.map(({ announcement }) => announcement.serverId).sort()).toEqual(
      [one(1).serverId, two(1).serverId].sort(),
    );
    expect(heard[0]?.announcement.body['anonymous-storage-NURLs']).toHaveLength(1);
    expect(await open('other').load()).toEqual([]);
  });

  it('keeps the highest seqnum that each introducer told, and gives the highest of all first', async () => {
    const server = await newServer();
    const say = async (introducer: string, seqnum: number) => {
      const cache = open();
      cache.remember({ introducer, announcement: server(seqnum, `at ${seqnum}`) });
      await cache.close();
    };
    await say('i1', 7);
    await say('i1', 5);
    await say('i2', 6);
    expect(
      (await open().load()).map(({ introducer, announcement }) => [introducer, announcement.body.nickname]),
    ).toEqual([
      ['i1', 'at 7'],
      ['i2', 'at 6'],
    ]);
    await say('i2', 8);
    expect((await open().load())[0]).toMatchObject({ introducer: 'i2', announcement: { seqnum: 8 } });
  });

  it('is written once at a time, and closed when all is written', async () => {
    const server = await newServer();
    const cache = open();
    const waiting = async () => {
      const { rows } = await database.pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length;
    };
    const lock = await database.pool.connect();
    try {
      await lock.query('begin; lock table membership.announcements in exclusive mode');
      cache.remember({ introducer: 'i1', announcement: server(1) });
      await waitFor('it is being written', async () => (await waiting()) === 1 || undefined);
      cache.remember({ introducer: 'i2', announcement: server(2) });
      // Longer than it gathers what it hears.
      await delay(1_000);
      expect(await waiting()).toBe(1);
    } finally {
      await lock.query('commit');
      lock.release();
    }
    await cache.close();
    expect(await open().load()).toHaveLength(2);
  });

  it('is written by many nodes at once', async () => {
    const servers = await Promise.all(Array.from({ length: 20 }, newServer));
    const nodes = Array.from({ length: 8 }, () => open());
    nodes.forEach((node, index) => {
      for (const server of index % 2 ? servers : servers.toReversed())
        node.remember({ introducer: 'i1', announcement: server(index + 1) });
    });
    await Promise.all(nodes.map((node) => node.close()));
    const heard = await open().load();
    expect(heard.map(({ announcement }) => announcement.seqnum)).toEqual(Array(20).fill(8));
  });

  it('does not believe a row that was tampered with', async () => {
    const cache = open();
    cache.remember({ introducer: 'i1', announcement: (await newServer())(1) });
    await cache.close();
    await database.pool.query(
      `update membership.announcements set message = replace(message, '7201', '7202')`,
    );
    expect(await open().load()).toEqual([]);
  });
});
