import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type VerifiedAnnouncement, verifyAnnouncement } from '@holdfast/common/announcements';
import { readYamlConfiguration, urlWithPassword } from '@holdfast/common/configuration';
import { type Database, openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { roleOfNode } from '../nodes/role.js';

/** The folder is that of a node which keeps no announcements. */
export class NoAnnouncementsError extends Error {
  override readonly name = 'NoAnnouncementsError';
  readonly code = 'no-announcements';

  constructor(readonly dir: string) {
    super(`${dir} is a storage server, which keeps no announcements`);
  }
}

/**
 * The announcements that a node keeps in its database, in order of server id, with their signatures checked again.
 *
 * @param dir the folder of an introducer or a broker, or of a lab: then those of its introducer
 * @throws ConfigurationError, NoAnnouncementsError, AnnouncementError, or Postgres' own error
 */
export async function knownAnnouncements(dir: string): Promise<VerifiedAnnouncement[]> {
  const folder = (await exists(join(dir, 'plan.json'))) ? join(dir, 'introducer') : dir;
  switch (await roleOfNode(folder)) {
    case 'introducer':
      return knownToIntroducer(folder);
    case 'broker':
      return knownToBroker(folder);
    case 'storage':
      throw new NoAnnouncementsError(dir);
  }
}

const pageSize = 500;

async function knownToIntroducer(folder: string): Promise<VerifiedAnnouncement[]> {
  const { AnnouncementStore, nodeConfiguration } = await import('@holdfast/introducer');
  const { grid, postgres } = await readYamlConfiguration(join(folder, 'node.yaml'), nodeConfiguration);
  return withDatabase(folder, postgres, async (database) => {
    const store = new AnnouncementStore(database, grid);
    const known: VerifiedAnnouncement[] = [];
    for (;;) {
      const page = await store.list(known.at(-1)?.serverId ?? '', pageSize);
      known.push(...page.map(verifyAnnouncement));
      if (page.length < pageSize) return known;
    }
  });
}

async function knownToBroker(folder: string): Promise<VerifiedAnnouncement[]> {
  const { AnnouncementCache, nodeConfiguration } = await import('@holdfast/broker');
  const { grid, postgres } = await readYamlConfiguration(join(folder, 'node.yaml'), nodeConfiguration);
  return withDatabase(folder, postgres, async (database) => {
    const heard = await new AnnouncementCache({ database, grid, logger: silentLogger() }).load();
    // The newest of each server comes first.
    const newest = new Map<string, VerifiedAnnouncement>();
    for (const { announcement } of heard)
      if (!newest.has(announcement.serverId)) newest.set(announcement.serverId, announcement);
    return [...newest.values()];
  });
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

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
