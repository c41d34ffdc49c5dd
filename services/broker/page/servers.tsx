import { useEffect, useState } from 'preact/hooks';
import { lookAgain } from '../src/web/repeated-look.js';
import type { ServerStatusJson, StatusJson } from '../src/web/status-json.js';
import { formatBytes, formatDuration } from './format.js';

const lookEvery = 2000;
/** Of a connection that is gone nobody hears. */
const longestLook = 60_000;

const states = {
  connected: 'Connected',
  connecting: 'Connecting',
  unreachable: 'Not reachable',
} as const;

/** The storage servers and how each is connected, looked at again every two seconds while the page is seen. */
export function Servers({ initial }: { initial: StatusJson }) {
  const [status, setStatus] = useState(initial);
  const [heard, setHeard] = useState(true);
  useEffect(() => {
    const look = async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch('/?t=json', { signal: AbortSignal.timeout(longestLook) });
        setStatus((await answer.json()) as StatusJson);
        setHeard(true);
      } catch {
        setHeard(false);
      }
    };
    return lookAgain(lookEvery, look);
  }, []);

  return (
    <>
      <h2 id="servers-title">Storage servers</h2>
      <p role="status">
        {heard ? summary(status) : 'The gateway does not answer; what follows is what it said last.'}
      </p>
      <RefusedEdit refused={status.connections_refused} />
      {status.servers.length > 0 && <ServerTable servers={status.servers} />}
    </>
  );
}

function RefusedEdit({ refused }: { refused: StatusJson['connections_refused'] }) {
  if (refused === null) return null;
  const { line, reason } = refused;
  return (
    <p role="alert">
      connections.yaml is wrong{line === null ? '' : ` in line ${line}`}, so that what it said before is in
      force: {reason}
    </p>
  );
}

function summary(status: StatusJson): string {
  const {
    servers,
    encoding: { required, happy, total },
    introducers,
    grid_managers: managers,
  } = status;
  const connected = servers.filter(({ state }) => state === 'connected').length;
  const permitted = servers.filter(
    ({ state, upload_permitted }) => state === 'connected' && upload_permitted,
  );
  const leaving = servers.filter((server) => server.state === 'connected' && server.leaving).length;
  const silent = introducers.connections.filter((introducer) => !introducer.connected);
  return [
    servers.length === 0 ? 'No storage server is known yet.' : `${connected} of ${servers.length} connected.`,
    managers.length > 0
      ? `A grid manager (${managers.join(', ')}) lets ${permitted.length} of these get files.`
      : '',
    leaving > 0 ? `${leaving} of these ${leaving === 1 ? 'is' : 'are'} leaving, and only read from.` : '',
    permitted.length < happy ? `To store a file, ${happy} are needed.` : '',
    `A file becomes ${total} shares; any ${required} bring it back.`,
    ...silent.map(
      ({ name, last_error }) =>
        `The introducer ${name} cannot be heard at the moment${last_error === null ? '' : ` (${last_error})`}.`,
    ),
    silent.length > 0 && silent.length === introducers.connections.length
      ? 'New servers will not be noticed.'
      : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function ServerTable({ servers }: { servers: readonly ServerStatusJson[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Server</th>
          <th scope="col">Connection</th>
          <th scope="col">Address</th>
          <th scope="col">Known from</th>
          <th scope="col">Free</th>
        </tr>
      </thead>
      <tbody>
        {servers.map((server) => (
          <ServerRow key={server.nodeid} server={server} />
        ))}
      </tbody>
    </table>
  );
}

function onlyReadFrom({ leaving, vouched_until: vouchedUntil }: ServerStatusJson): string {
  if (leaving) return 'it is leaving the grid';
  if (vouchedUntil === null) return 'no certificate of a grid manager';
  return `its certificate ended ${new Date(vouchedUntil * 1000).toLocaleString()}`;
}

function ServerRow({ server }: { server: ServerStatusJson }) {
  const { nickname, nodeid, state, since, address, handler, sources, available_space, last_error, version } =
    server;
  return (
    <tr>
      <th scope="row" title={[nodeid, version].filter(Boolean).join('\n')}>
        {nickname || nodeid}
      </th>
      <td data-label="Connection">
        <span class={`state ${state}`}>{states[state]}</span>{' '}
        <span class="quiet">for {formatDuration(Date.now() / 1000 - since)}</span>
        {!server.upload_permitted && <div class="quiet">Only read from: {onlyReadFrom(server)}</div>}
        {last_error !== null && <div class="quiet">{last_error}</div>}
      </td>
      <td data-label="Address">{address === null ? '–' : `${handler} ${address}`}</td>
      <td data-label="Known from">
        {sources.map((source) => source.replace(/^introducer:/, 'introducer ')).join(', ')}
      </td>
      <td data-label="Free">{available_space === null ? '–' : formatBytes(available_space)}</td>
    </tr>
  );
}
