import type { ServerSetStatus } from '@holdfast/grid';
import type { IntroducerStatus, MemberStatus, RefusedEdit } from '@holdfast/membership';
import type { IntroducerStatusJson, StatusJson } from './status-json.js';

/** What the welcome page tells. */
export interface NodeStatus extends Pick<StatusJson, 'nickname' | 'grid' | 'encoding'> {
  readonly introducers: readonly IntroducerStatus[];
  /** The names of the grid managers without whose word no server gets uploads. */
  readonly gridManagers: readonly string[];
  readonly servers: readonly MemberStatus[];
  readonly refusedEdit: RefusedEdit | undefined;
}

/** The welcome page's JSON. */
export function statusJson(status: NodeStatus): StatusJson {
  const { introducers, servers, nickname, grid, encoding, gridManagers, refusedEdit } = status;
  const now = Date.now();
  return {
    introducers: {
      statuses: introducers.map(({ address, handler, connected, lastError }) =>
        connected
          ? `Connected to ${address} via ${handler}`
          : `Trying to connect to ${address}${lastError === undefined ? '' : `: ${lastError}`}`,
      ),
      connections: introducers.map(introducerJson),
    },
    servers: servers.map((server) => ({
      nodeid: server.id,
      connection_status: connectionStatus(server),
      available_space: server.availableSpace ?? null,
      nickname: server.nickname,
      version: server.version ?? null,
      last_received_data: server.lastReached ? seconds(server.lastReached) : null,
      state: server.state,
      since: seconds(server.since),
      address: server.address ?? null,
      handler: server.handler ?? null,
      source: server.source,
      sources: server.sources,
      leaving: server.leaving,
      upload_permitted: !server.leaving && (server.vouchedUntil ?? 0) > now,
      vouched_until: Number.isFinite(server.vouchedUntil) ? (server.vouchedUntil ?? 0) / 1000 : null,
      last_error: server.state === 'connected' ? null : (server.lastError ?? null),
    })),
    nickname,
    grid,
    encoding,
    grid_managers: gridManagers,
    connections_refused: refusedEdit
      ? { line: refusedEdit.line ?? null, reason: refusedEdit.reason, since: seconds(refusedEdit.since) }
      : null,
  };
}

function introducerJson(introducer: IntroducerStatus): IntroducerStatusJson {
  const { name, address, handler, connected, lastHeard, lastError } = introducer;
  return {
    name,
    address,
    handler: handler ?? null,
    connected,
    last_heard: lastHeard ? seconds(lastHeard) : null,
    last_error: lastError ?? null,
  };
}

const seconds = (time: Date) => time.getTime() / 1000;

/** In the peer's manner: "Connected to tcp:127.0.0.1:7201 via tcp". */
function connectionStatus({ state, address, handler, lastError }: ServerSetStatus): string {
  const place = address === undefined ? 'an address that cannot be used' : `${handler}:${address}`;
  if (state === 'connected') return `Connected to ${place} via ${handler}`;
  return `Trying to connect to ${place}${lastError === undefined ? '' : `: ${lastError}`}`;
}
