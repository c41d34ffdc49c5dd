import type { ServerStatus } from '@holdfast/grid';
import type { StatusJson } from './status-json.js';

/** What the welcome page tells. */
export interface NodeStatus extends Pick<StatusJson, 'nickname' | 'grid' | 'encoding'> {
  readonly introducers: StatusJson['introducers']['connections'];
  readonly servers: readonly ServerStatus[];
}

/** The welcome page's JSON. */
export function statusJson({ introducers, servers, nickname, grid, encoding }: NodeStatus): StatusJson {
  return {
    introducers: {
      statuses: introducers.map(({ address, connected }) =>
        connected ? `Connected to ${address} via tcp` : `Trying to connect to ${address}`,
      ),
      connections: introducers,
    },
    servers: servers.map((server) => ({
      nodeid: server.id,
      connection_status: connectionStatus(server),
      available_space: server.availableSpace ?? null,
      nickname: server.nickname,
      version: server.version ?? null,
      last_received_data: server.lastReached ? server.lastReached.getTime() / 1000 : null,
      state: server.state,
      since: server.since.getTime() / 1000,
      address: server.address ?? null,
      handler: server.handler,
      source: server.source,
      last_error: server.state === 'connected' ? null : (server.lastError ?? null),
    })),
    nickname,
    grid,
    encoding,
  };
}

/** In the peer's manner: "Connected to tcp:127.0.0.1:7201 via tcp". */
function connectionStatus({ state, address, handler, lastError }: ServerStatus): string {
  const place = address === undefined ? 'an address that cannot be used' : `${handler}:${address}`;
  if (state === 'connected') return `Connected to ${place} via ${handler}`;
  return `Trying to connect to ${place}${lastError === undefined ? '' : `: ${lastError}`}`;
}
