import type { ServerSetStatus } from '@holdfast/grid';
import type { StatusJson } from './status-json.js';

/** What the welcome page tells. */
export interface NodeStatus extends Pick<StatusJson, 'nickname' | 'grid' | 'encoding'> {
  readonly introducers: StatusJson['introducers']['connections'];
  /** The names of the grid managers without whose word no server gets uploads. */
  readonly gridManagers: readonly string[];
  readonly servers: readonly ServerSetStatus[];
}

/** The welcome page's JSON. */
export function statusJson({
  introducers,
  servers,
  gridManagers,
  nickname,
  grid,
  encoding,
}: NodeStatus): StatusJson {
  const now = Date.now();
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
      upload_permitted: (server.vouchedUntil ?? 0) > now,
      vouched_until: Number.isFinite(server.vouchedUntil) ? (server.vouchedUntil ?? 0) / 1000 : null,
      last_error: server.state === 'connected' ? null : (server.lastError ?? null),
    })),
    nickname,
    grid,
    encoding,
    grid_managers: gridManagers,
  };
}

/** In the peer's manner: "Connected to tcp:127.0.0.1:7201 via tcp". */
function connectionStatus({ state, address, handler, lastError }: ServerSetStatus): string {
  const place = address === undefined ? 'an address that cannot be used' : `${handler}:${address}`;
  if (state === 'connected') return `Connected to ${place} via ${handler}`;
  return `Trying to connect to ${place}${lastError === undefined ? '' : `: ${lastError}`}`;
}
