import type { NodeStatus } from './status.js';

/** What a server is called, by its id. */
export type Nicknames = (serverId: string) => string;

/** The nicknames of the servers that are known now; a server that is not has its id for a name. */
export function nicknamesOf({ servers }: Pick<NodeStatus, 'servers'>): Nicknames {
  const byId = new Map(servers.map(({ id, nickname }) => [id, nickname]));
  return (serverId) => byId.get(serverId) ?? serverId;
}
