import { setTimeout as delay } from 'node:timers/promises';
import type { VerifiedAnnouncement } from '@holdfast/common/announcements';
import { type Database, openDatabase } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import type { ServerStatus } from '@holdfast/grid';
import { blockedStatement, createTestDatabase, waitFor } from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrateMembership } from '../migrations.js';
import { AnnouncementCache } from './announcement-cache.js';
import { Forgetting } from './forgetting.js';
import { forgetServers, forgottenServers } from './forgotten-servers.js';

const logger = silentLogger();
const grid = 'g';
const [one, two] = ['a', 'b'].map((letter) => `v0-${letter.repeat(52)}`) as [string, string];

let place: Awaited<ReturnType<typeof createTestDatabase>>;
let database: Database;
let statuses: Pick<ServerStatus, 'id' | 'state' | 'lastReached'>[];
let forgotten: [string, number][];
let remembered: ReadonlySet<string> | undefined;
let forgetting: Forgetting | undefined;

beforeEach(async () => {
  place = await createTestDatabase();
  database = await openDatabase({ url: place.url, applicationName: 'test', logger });
  await migrateMembership(database, logger);
  statuses = [];
  forgotten = [];
  remembered = undefined;
});
afterEach(async () => {
  await forgetting?.stop();
  forgetting = undefined;
  await database.close();
  await place[Symbol.asyncDispose]();
});

/** Only what the cache writes down of it. */
const announcement = (serverId: string, seqnum: number) =>
  ({ serverId, seqnum, signed: { message: '{}', signature: '', key: serverId } }) as VerifiedAnnouncement;

async function remember(introducer: string, serverId: string, seqnum: number): Promise<void> {
  const cache = new AnnouncementCache({ database, grid, logger });
  cache.remember({ introducer, announcement: announcement(serverId, seqnum) });
  await cache.close();
}

async function begin(forgetAfter: number): Promise<void> {
  const known = {
    forget: (id: string, seqnum: number) => {
      forgotten.push([id, seqnum]);
      return true;
    },
    rememberForgotten: (ids: ReadonlySet<string>) => {
      remembered = ids;
    },
  };
  forgetting = new Forgetting({ database, grid, logger, known, statuses: () => statuses, forgetAfter });
  await forgetting.start();
}

async function rows(): Promise<{ server_id: string; introducer: string; last_reached: Date | null }[]> {
  const { rows } = await database.pool.query(
    'select server_id, introducer, last_reached from membership.announcements order by server_id, introducer',
  );
  return rows;
}

describe('the cache', () => {
  it('loses a server that was neither heard of nor reached for long, and keeps one that was', async () => {
    await remember('i1', one, 5);
    await remember('i1', two, 5);
    await remember('i2', two, 6);
    statuses = [{ id: one, state: 'connected', lastReached: new Date() }];
    await begin(1_000);
    await waitFor('two is forgotten', () => forgotten.some(([id]) => id === two) || undefined);
    expect((await rows()).map(({ server_id }) => server_id)).toEqual([one]);
    expect(forgotten[0]).toEqual([two, 6]);
  });

  it('loses nobody while no server at all is reached', async () => {
    await remember('i1', one, 5);
    statuses = [{ id: one, state: 'unreachable', lastReached: undefined }];
    await begin(1_000);
    await delay(2_500);
    expect(await rows()).toHaveLength(1);
  });

  it('loses nobody before this node has run for long enough to reach it', async () => {
    await remember('i1', one, 5);
    await database.pool.query(`update membership.announcements set last_heard = now() - interval '200 days'`);
    statuses = [{ id: two, state: 'connected', lastReached: new Date() }];
    await begin(4_000);
    await delay(2_500);
    expect(await rows()).toHaveLength(1);
  });

  it('keeps a server of which another node hears while it is to be forgotten, whoever else tells of it', async () => {
    await remember('i1', one, 5);
    await remember('i2', one, 5);
    await database.pool.query(`update membership.announcements set last_heard = now() - interval '200 days'`);
    statuses = [{ id: two, state: 'connected', lastReached: new Date() }];
    let stopped: Promise<void> | undefined;
    await database.transaction(async (client) => {
      // Not now(), which is when this transaction began: it is heard while the look waits.
      await client.query(
        `update membership.announcements set last_heard = now() + interval '1 minute' where introducer = 'i2'`,
      );
      await begin(1_000);
      await blockedStatement(client);
      stopped = forgetting?.stop();
    });
    await stopped;
    expect((await rows()).map(({ introducer }) => introducer)).toEqual(['i1', 'i2']);
    expect(await forgottenServers(database, grid)).toEqual([]);
  });

  it('says when a server was reached last, by whichever node', async () => {
    await remember('i1', one, 5);
    await remember('i2', one, 5);
    const [earlier, later] = [new Date(1_700_000_000_000), new Date(1_800_000_000_000)];
    for (const lastReached of [later, earlier]) {
      statuses = [{ id: one, state: 'connected', lastReached }];
      await begin(90 * 86_400_000);
      await forgetting?.stop();
    }
    expect((await rows()).map(({ last_reached }) => last_reached)).toEqual([later, later]);
    expect((await new AnnouncementCache({ database, grid, logger }).load()).length).toBe(0);
  });

  it('remembers no longer what it has forgotten, when that is four times as long ago', async () => {
    const [old, young] = [one, two];
    for (const serverId of [old, young]) {
      await remember('i1', serverId, 5);
      await forgetServers(database, grid, [serverId]);
    }
    await database.pool.query(
      `update membership.forgotten set forgotten_at = now() - interval '81 days' where server_id = $1`,
      [old],
    );
    await begin(20 * 86_400_000);
    expect(await forgottenServers(database, grid)).toEqual([{ serverId: young, seqnum: 5 }]);
    expect(new Set(forgotten.map(([id]) => id))).toEqual(new Set([young]));
    expect(remembered).toEqual(new Set([young]));
    expect(await forgottenServers(database, grid, 60 * 60_000)).toHaveLength(1);
    expect(await forgottenServers(database, grid, 0)).toEqual([]);
  });

  it('takes a server again whose clock was far ahead, once it has announced itself by the right time', async () => {
    const began = Date.now();
    await remember('i1', one, began + 366 * 86_400_000);
    expect(await forgetServers(database, grid, [one])).toEqual([one]);
    const [{ seqnum } = { seqnum: 0 }] = await forgottenServers(database, grid);
    expect(seqnum).toBeGreaterThanOrEqual(began);
    expect(seqnum).toBeLessThanOrEqual(Date.now());
    await remember('i1', one, Date.now() + 1);
    expect(await rows()).toHaveLength(1);
  });

  it('is told by every node what another has forgotten, and takes it again only when it is newer', async () => {
    await remember('i1', one, 5);
    await begin(4_000);
    expect(await forgetServers(database, grid, [one, two])).toEqual([one]);
    await waitFor('the node hears of it', () => forgotten.some(([id]) => id === one) || undefined);
    await remember('i1', one, 5);
    await remember('i2', one, 4);
    expect(await rows()).toEqual([]);
    await remember('i2', one, 6);
    expect(await rows()).toHaveLength(1);
    expect(await forgottenServers(database, grid)).toEqual([{ serverId: one, seqnum: 5 }]);
    expect(await forgottenServers(database, 'other')).toEqual([]);
  });
});
