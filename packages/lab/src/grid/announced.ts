import { announcementSubjects, verifyAnnouncement } from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import type { BusAccess } from '@holdfast/common/configuration';
import { silentLogger } from '@holdfast/common/logging';
import { waitFor } from '../processes/until-ready.js';

/**
 * Asks the introducer until it knows all of some storage servers.
 *
 * @param serverIds `v0-…`
 * @returns the first NURL of each server that it knows, by id
 */
export async function announcedNurls(
  { url, ca, grid }: BusAccess & { grid: string },
  serverIds: readonly string[],
): Promise<Map<string, string>> {
  const bus = new Bus({ url, ca, name: 'holdfast lab', logger: silentLogger() });
  try {
    return await waitFor('the introducer knows every storage server', async () => {
      const known = await askForAll(bus, grid);
      return serverIds.every((id) => known.has(id)) ? known : undefined;
    });
  } finally {
    await bus.close();
  }
}

async function askForAll(bus: Bus, grid: string): Promise<Map<string, string>> {
  const { list } = announcementSubjects(grid);
  const nurls = new Map<string, string>();
  for (let after: string | undefined; ; ) {
    const page = await bus.ask(list, after === undefined ? {} : { after });
    for (const signed of page.announcements) {
      const { serverId, body } = verifyAnnouncement(signed);
      const [nurl] = body['anonymous-storage-NURLs'];
      if (nurl !== undefined) nurls.set(serverId, nurl);
    }
    if (page.next === undefined) return nurls;
    after = page.next;
  }
}
