import { join } from 'node:path';
import {
  AnnouncementError,
  type SignedAnnouncement,
  type VerifiedAnnouncement,
  verifyAnnouncement,
} from '@holdfast/common/announcements';
import { readYamlConfiguration, urlWithPassword } from '@holdfast/common/configuration';
import { type Database, openPool } from '@holdfast/common/database';
import { exists } from '@holdfast/common/files';
import { silentLogger } from '@holdfast/common/logging';
import type * as z from 'zod';
import { roleOfNode } from '../nodes/role.js';

/** The folder is that of a node which keeps no announcements. */
export class NoAnnouncementsError extends Error {
  override readonly name = 'NoAnnouncementsError';
  readonly code = 'no-announcements';

  constructor(readonly dir: string) {
    super(`${dir} is a storage server, which keeps no announcements`);
  }
}

/** Nothing is kept of the server. */
export class UnknownServerError extends Error {
  override readonly name = 'UnknownServerError';
  readonly code = 'unknown-server';

  constructor(readonly serverId: string) {
    super(`no server ${serverId} is known`);
  }
}

/** When an introducer told of a server. */
export interface Hearing {
  /** By its name in `connections.yaml`; undefined where the node is itself the introducer. */
  readonly introducer: string | undefined;
  /** The highest that it told. */
  readonly seqnum: number;
  readonly firstHeard: Date;
  /** When it told something new last. */
  readonly lastHeard: Date;
}

/** The newest announcement that a node keeps of a server, and how it came by it. */
export interface KnownAnnouncement extends VerifiedAnnouncement {
  /** By introducer, the one that told the newest first. */
  readonly heard: readonly Hearing[];
  /** When the server last answered a broker; undefined where it never did, or the node is an introducer. */
  readonly lastReached: Date | undefined;
}

/** A node that keeps announcements. */
interface AnnouncementNode {
  /** The newest of each server, in order of server id, with their signatures checked again. */
  known(): Promise<KnownAnnouncement[]>;
  /** Forgets a server; resolves to whether it was known. */
  forget(serverId: string): Promise<boolean>;
}

/**
 * Does something with the announcements that a node keeps in its database, whether it runs or not.
 *
 * @param dir the folder of an introducer, a broker or a repairer, or of a lab: then that of its introducer
 * @throws ConfigurationError, NoAnnouncementsError, SchemaTooNewError, or Postgres' own error
 */
export async function withAnnouncements<T>(
  dir: string,
  work: (node: AnnouncementNode) => Promise<T>,
): Promise<T> {
  const folder = (await exists(join(dir, 'plan.json'))) ? join(dir, 'introducer') : dir;
  switch (await roleOfNode(folder)) {
    case 'introducer':
      return withIntroducer(folder, work);
    case 'broker':
      return withMember(folder, (await import('@holdfast/broker')).nodeConfiguration, work);
    case 'repairer':
      return withMember(folder, (await import('@holdfast/repairer')).nodeConfiguration, work);
    case 'storage':
      throw new NoAnnouncementsError(dir);
  }
}

const pageSize = 500;

async function withIntroducer<T>(folder: string, work: (node: AnnouncementNode) => Promise<T>): Promise<T> {
  const { AnnouncementStore, migrateIntroducer, nodeConfiguration } = await import('@holdfast/introducer');
  const { grid, postgres } = await readYamlConfiguration(join(folder, 'node.yaml'), nodeConfiguration);
  return withDatabase(folder, postgres, async (database) => {
    await migrateIntroducer(database, silentLogger());
    const store = new AnnouncementStore(database, grid);
    const known = async () => {
      const times = await store.times();
      const all: KnownAnnouncement[] = [];
      let after = '';
      for (;;) {
        const page = await store.list(after, pageSize);
        for (const signed of page) {
          after = signed.key;
          const announcement = believed(signed);
          if (!announcement) continue;
          const { serverId, seqnum } = announcement;
          const when = times.get(serverId) ?? { firstHeard: new Date(), lastHeard: new Date() };
          const heard = [{ introducer: undefined, seqnum, ...when }];
          all.push({ ...announcement, heard, lastReached: undefined });
        }
        if (page.length < pageSize) return all;
      }
    };
    return work({ known, forget: (serverId) => store.forget(serverId) });
  });
}

/** Of a node that uses storage servers. */
async function withMember<T>(
  folder: string,
  nodeConfiguration: z.ZodType<{ grid: string; postgres: string }>,
  work: (node: AnnouncementNode) => Promise<T>,
): Promise<T> {
  const { AnnouncementCache, forgetServers, migrateMembership } = await import('@holdfast/membership');
  const { grid, postgres } = await readYamlConfiguration(join(folder, 'node.yaml'), nodeConfiguration);
  return withDatabase(folder, postgres, async (database) => {
    const logger = silentLogger();
    await migrateMembership(database, logger);
    const known = async () => {
      const byServer = new Map<string, KnownAnnouncement & { heard: Hearing[] }>();
      // The newest of each server comes first.
      for (const row of await new AnnouncementCache({ database, grid, logger }).load()) {
        const { announcement, introducer, firstHeard, lastHeard, lastReached } = row;
        const { serverId, seqnum } = announcement;
        const one = byServer.get(serverId) ?? { ...announcement, heard: [], lastReached };
        one.heard.push({ introducer, seqnum, firstHeard, lastHeard });
        byServer.set(serverId, one);
      }
      return [...byServer.values()];
    };
    const forget = async (serverId: string) => (await forgetServers(database, grid, [serverId])).length > 0;
    return work({ known, forget });
  });
}

/** The announcement of a row; of one that cannot be believed it is told, and the others are listed all the same. */
function believed(signed: SignedAnnouncement): VerifiedAnnouncement | undefined {
  try {
    return verifyAnnouncement(signed);
  } catch (error) {
    if (!(error instanceof AnnouncementError)) throw error;
    process.stderr.write(`holdfast: what is kept of ${signed.key} was not believed: ${error.message}\n`);
    return undefined;
  }
}

async function withDatabase<T>(
  folder: string,
  url: string,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = openPool({
    url: await urlWithPassword(folder, 'postgres', url),
    applicationName: 'holdfast announcements',
    logger: silentLogger(),
    connections: 1,
  });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
