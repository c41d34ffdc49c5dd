/** The gateway: the Tahoe web API and a welcome page, over one set of storage servers. */
export { type NodeConfiguration, nodeConfiguration } from './configuration.js';
export { type ConnectionsConfiguration, connectionsConfiguration } from './connections.js';
export { type BrokerOptions, initialise } from './initialise.js';
export { run } from './main.js';
export { migrations } from './migrations.js';
export {
  AnnouncementCache,
  type AnnouncementCacheOptions,
  type CachedAnnouncement,
  type HeardAnnouncement,
} from './servers/announcement-cache.js';
export { forgetServers } from './servers/forgotten-servers.js';
export { KnownServers } from './servers/known-servers.js';
export type { StatusJson } from './web/status-json.js';
