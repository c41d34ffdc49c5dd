import {
  absenceAfter,
  type NetworkSuspicion,
  serverState,
  suspectNetwork,
  unsuspected,
} from '../decisions/index.js';
import { readNetwork, recentChecks, writeNetwork } from '../records/network-record.js';
import type { Queryable } from '../records/queryable.js';
import {
  assumeReached,
  changeServers,
  type LookedAtServer,
  lookAtServers,
  reachedFor,
} from '../records/server-records.js';

/** Who looks, and how patient it is with servers. */
export interface LookAroundOptions {
  readonly grid: string;
  /** The nickname of this repairer. */
  readonly scheduler: string;
  /** Milliseconds for which shares on a server that is away are not counted as lost. */
  readonly grace: number;
  /** Milliseconds for which all must be well until the network is trusted again. */
  readonly settle: number;
}

/** What a look came to. */
export interface Surroundings {
  readonly before: NetworkSuspicion;
  readonly network: NetworkSuspicion;
  readonly servers: readonly LookedAtServer[];
}

/**
 * Looks at the servers and the network, by what repairers have written down, and writes down what is to be thought of
 * them. Where nobody looked for a while, nobody may have written anything either: then repairers are given the time to,
 * and all stays as it was.
 */
export async function lookAround(
  database: Queryable,
  { grid, scheduler, grace, settle }: LookAroundOptions,
): Promise<Surroundings> {
  const record = await readNetwork(database, grid);
  const before = record?.network ?? unsuspected;
  const servers = await lookAtServers(database, grid);
  const since = record?.lookedAgo ?? 0;
  if (since > reachedFor) {
    await assumeReached(database, grid);
    await writeNetwork(database, grid, before, scheduler);
    return { before, network: before, servers };
  }
  const expected = servers.filter(({ known, reached, state }) => reached || (known && state !== 'gone'));
  const network = suspectNetwork(
    before,
    {
      servers: expected.length,
      away: expected.filter(({ reached }) => !reached).length,
      ...(await recentChecks(database, grid)),
    },
    since,
    settle,
  );
  const looked = servers.map((server) => lookAt(server, { since, network, grace }));
  await changeServers(
    database,
    grid,
    looked.filter((server, index) => server !== servers[index]),
  );
  await writeNetwork(database, grid, network, scheduler);
  return { before, network, servers: looked };
}

function lookAt(
  server: LookedAtServer,
  { since, network, grace }: { since: number; network: NetworkSuspicion; grace: number },
): LookedAtServer {
  const { reached, leaving, known } = server;
  const absence = absenceAfter(server.absence, { reached, since, networkSuspected: network.suspected });
  // Whom the operator has made everybody forget needs no grace.
  const state = known || reached ? serverState({ reached, absence, leaving }, grace) : 'gone';
  if (absence === server.absence && state === server.state) return server;
  const toStrike = state === 'gone' && (server.toStrike || server.state !== 'gone');
  return { ...server, absence, state, toStrike };
}
