import type { AnnouncementBody, SignedAnnouncement } from '@holdfast/common/announcements';
import { announcementSubjects, signAnnouncement, verifyAnnouncement } from '@holdfast/common/announcements';
import { Bus } from '@holdfast/common/bus';
import type { BusAccess } from '@holdfast/common/configuration';
import { loadIdentity } from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import { waitFor } from '@holdfast/lab';

/** Does something on a bus, as a client of its own. */
export async function onBus<T>(access: BusAccess, work: (bus: Bus) => Promise<T>): Promise<T> {
  const bus = new Bus({ ...access, name: 'test', logger: silentLogger() });
  try {
    await waitFor('the bus is connected', () => bus.connected || undefined);
    return await work(bus);
  } finally {
    await bus.close();
  }
}

/** What an introducer tells, by server id. */
export async function introduced(access: BusAccess, grid: string): Promise<Map<string, SignedAnnouncement>> {
  return onBus(access, async (bus) => {
    const { announcements } = await waitFor('the introducer answers', () =>
      bus.ask(announcementSubjects(grid).list, {}),
    );
    return new Map(announcements.map((signed) => [signed.key, signed]));
  });
}

/** Says an announcement to the introducer on a bus, as its server does; gives the introducer's answer. */
export function announce(access: BusAccess, grid: string, signed: SignedAnnouncement) {
  return onBus(access, (bus) =>
    waitFor('the introducer answers', () => bus.ask(announcementSubjects(grid).announce, signed)),
  );
}

/** Says an announcement to all who listen on a bus, as its introducer does. */
export async function tell(access: BusAccess, grid: string, signed: SignedAnnouncement): Promise<void> {
  await onBus(access, async (bus) => bus.publish(announcementSubjects(grid).announced, signed));
}

/** A newer announcement by the server of the folder `dir`, in which some of what it said before is otherwise. */
export async function newer(
  dir: string,
  signed: SignedAnnouncement,
  change: Partial<AnnouncementBody>,
): Promise<SignedAnnouncement> {
  const { body, seqnum } = verifyAnnouncement(signed);
  return signAnnouncement({ ...body, seqnum: seqnum + 1, ...change }, await loadIdentity(dir));
}
