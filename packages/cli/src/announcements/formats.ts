import type { VerifiedAnnouncement } from '@holdfast/common/announcements';
import { stringify } from 'yaml';

/** `yaml`: clauses for `connections.yaml`. `tahoe`: the `private/servers.yaml` of a Tahoe-LAFS client. */
export type AnnouncementFormat = 'yaml' | 'tahoe' | 'json';

/** Writes announcements for another program to read. The NURLs in them let their reader store and read shares. */
export function formatAnnouncements(
  known: readonly VerifiedAnnouncement[],
  format: AnnouncementFormat,
): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(
        known.map(({ serverId, seqnum, body }) => ({ serverId, seqnum, announcement: body })),
        null,
        2,
      )}\n`;
    case 'yaml':
      return toYaml('servers', known, (announcement) => ({
        server_options: { key_s: announcement.serverId, announcement: connectionFields(announcement) },
      }));
    case 'tahoe':
      return toYaml('storage', known, (announcement) => ({ ann: connectionFields(announcement) }));
  }
}

/** For people: one line for each server, with nothing in it that gives access. */
export function listAnnouncements(known: readonly VerifiedAnnouncement[]): string {
  return known
    .map(({ serverId, seqnum, body }) => {
      const places = body['anonymous-storage-NURLs'].map(hostOf);
      return `${serverId}  ${body.nickname.padEnd(12)} ${places.join(' ').padEnd(21)} seqnum ${seqnum}\n`;
    })
    .join('');
}

function hostOf(nurl: string): string {
  return /@([^/]+)\//.exec(nurl)?.[1] ?? '?';
}

/** What a client needs to reach a server, by the names that Tahoe-LAFS 1.20 gives it. */
function connectionFields({ body }: VerifiedAnnouncement): Record<string, unknown> {
  const names = [
    'nickname',
    'anonymous-storage-FURL',
    'anonymous-storage-NURLs',
    'permutation-seed-base32',
  ] as const;
  return Object.fromEntries(
    names.filter((name) => body[name] !== undefined).map((name) => [name, body[name]]),
  );
}

function toYaml(
  root: string,
  known: readonly VerifiedAnnouncement[],
  clause: (announcement: VerifiedAnnouncement) => unknown,
): string {
  const clauses = Object.fromEntries(
    known.map((announcement) => [announcement.serverId, clause(announcement)]),
  );
  return stringify({ [root]: clauses }, { lineWidth: 0 });
}
