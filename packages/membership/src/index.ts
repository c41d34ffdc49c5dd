/** Who is in the grid, and how each is reached: for every node that uses storage servers. */
export {
  AnnouncementCache,
  type AnnouncementCacheOptions,
  type CachedAnnouncement,
  type HeardAnnouncement,
} from './cache/announcement-cache.js';
export { forgetServers } from './cache/forgotten-servers.js';
export {
  type ConnectionsConfiguration,
  connectionsConfiguration,
  readConnections,
} from './connections/connections-configuration.js';
export type { RefusedEdit } from './connections/connections-file.js';
export { newConnections } from './connections/new-connections.js';
export type { IntroducerStatus } from './introducers/introducers.js';
export { type JoinOptions, type MemberStatus, Membership, type MembershipOptions } from './membership.js';
export { migrateMembership } from './migrations.js';
export { KnownServers } from './servers/known-servers.js';
export { type MembershipConfiguration, membershipSettings } from './settings.js';
