import type { VerifiedAnnouncement } from '@holdfast/common/announcements';
import { stringify } from 'yaml';
import { formatTable } from '../table.js';
import type { KnownAnnouncement } from './known.js';

/** `yaml`: clauses for `connections.yaml`. `tahoe`: the `private/servers.yaml` of a Tahoe-LAFS client. */
export type AnnouncementFormat = 'yaml' | 'tahoe' | 'json';

/** Writes announcements for another program to read. The NURLs in them let their reader store and read shares. */
export function formatAnnouncements(known: readonly KnownAnnouncement[], format: AnnouncementFormat): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(
        known.map(({ serverId, seqnum, body, heard, lastReached = null }) => ({
          serverId,
          seqnum,
          announcement: body,
          heard,
          lastReached,
        })),
        null,
        2,
      )}\n`;
    case 'yaml':
      return connectionsYaml(known);
    case 'tahoe':
      return tahoeServersYaml(known);
  }
}

/** A server as clients are told of it: its id, and fields of its announcement. */
export interface ToldServer {
  readonly serverId: string;
  readonly body: Pick<VerifiedAnnouncement['body'], (typeof connectionFieldNames)[number]>;
}

/** The `connections.yaml` of a Holdfast broker. */
export function connectionsYaml(servers: readonly ToldServer[]): string {
  return toYaml('servers', servers, (server) => ({
    server_options: { key_s: server.serverId, announcement: connectionFields(server) },
  }));
}

/** The `private/servers.yaml` of a Tahoe-LAFS client. */
export function tahoeServersYaml(servers: readonly ToldServer[]): string {
  return toYaml('storage', servers, (server) => ({ ann: connectionFields(server) }));
}

/** For people: one line for each server and introducer, with nothing in it that gives access. Times in UTC. */
export function listAnnouncements(known: readonly KnownAnnouncement[]): string {
  const heading = ['server', 'nickname', 'address', 'introducer', 'seqnum'];
  const times = ['first heard', 'last heard', 'last reached'];
  const rows = known.flatMap(({ serverId, body, heard, lastReached }) =>
    heard.map(({ introducer = '–', seqnum, firstHeard, lastHeard }) => [
      serverId,
      body.nickname,
      body['anonymous-storage-NURLs'].map(hostOf).join(' '),
      introducer,
      String(seqnum),
      ...[firstHeard, lastHeard, lastReached].map(time),
    ]),
  );
  return formatTable([[...heading, ...times], ...rows]);
}

const time = (at: Date | undefined) => at?.toISOString().replace(/\.\d+Z$/, 'Z') ?? '–';

function hostOf(nurl: string): string {
  return /@([^/]+)\//.exec(nurl)?.[1] ?? '?';
}

/** What a client needs to reach a server, and to know who vouches for it, by the names that Tahoe-LAFS 1.20 gives it. */
const connectionFieldNames = [
  'nickname',
  'anonymous-storage-FURL',
  'anonymous-storage-NURLs',
  'permutation-seed-base32',
  'grid-manager-certificates',
] as const;

function connectionFields({ body }: ToldServer): Record<string, unknown> {
  return Object.fromEntries(
    connectionFieldNames.filter((name) => body[name] !== undefined).map((name) => [name, body[name]]),
  );
}

function toYaml(
  root: string,
  servers: readonly ToldServer[],
  clause: (server: ToldServer) => unknown,
): string {
  const clauses = Object.fromEntries(servers.map((server) => [server.serverId, clause(server)]));
  return stringify({ [root]: clauses }, { lineWidth: 0 });
}
