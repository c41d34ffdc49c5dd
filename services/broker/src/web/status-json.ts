/**
 * `GET /?t=json` (webapi.rst, "Other Useful Pages"). The keys before the empty line in each part are the peer's, those
 * after it ours. Times are in seconds since 1970. The welcome page reads this too.
 */
export interface StatusJson {
  readonly introducers: {
    readonly statuses: readonly string[];

    readonly connections: readonly IntroducerStatusJson[];
  };
  readonly servers: readonly ServerStatusJson[];

  readonly nickname: string;
  readonly grid: string;
  readonly encoding: { readonly required: number; readonly happy: number; readonly total: number };
  /** Names of the grid managers whose servers get uploads; empty where every server does. */
  readonly grid_managers: readonly string[];
  /** Why `connections.yaml` as it is now is not in force; null where it is. */
  readonly connections_refused: {
    readonly line: number | null;
    readonly reason: string;
    readonly since: number;
  } | null;
}

/** Whether an introducer can be heard at the moment. */
export interface IntroducerStatusJson {
  readonly name: string;
  /** Where it is listened for, without a credential. */
  readonly address: string;
  /** What makes the connection; null where nothing may. */
  readonly handler: string | null;
  readonly connected: boolean;
  /** When it told of a server last. */
  readonly last_heard: number | null;
  readonly last_error: string | null;
}

/** A storage server and how the connection to it is doing. */
export interface ServerStatusJson {
  readonly nodeid: string;
  readonly connection_status: string;
  readonly available_space: number | null;
  readonly nickname: string;
  readonly version: string | null;
  readonly last_received_data: number | null;

  readonly state: 'connecting' | 'connected' | 'unreachable';
  readonly since: number;
  readonly address: string | null;
  readonly handler: string | null;
  /** Whose word on it counts: `introducer:NAME` or `connections.yaml`. */
  readonly source: string;
  /** All who tell of it, that one first. */
  readonly sources: readonly string[];
  /** Whether its operator is taking it away: it is only read from. */
  readonly leaving: boolean;
  /** Whether it gets uploads: it is not leaving, and where there are grid managers one vouches for it now. */
  readonly upload_permitted: boolean;
  /** When the last certificate of a grid manager ends, or ended; null where there is none. */
  readonly vouched_until: number | null;
  readonly last_error: string | null;
}
