import type { StorageServer } from '../connections/storage-server.js';

/** A share that a server says it holds. */
export interface FoundShare {
  readonly shareNumber: number;
  readonly server: StorageServer;
  /** All of its bytes, where the server gave them at once. Unproved. */
  readonly data?: Uint8Array;
}

/** Where a download gets its shares from: those found up to now, and perhaps more to come. */
export interface ShareSupply {
  /** Every share found up to now. */
  readonly found: readonly FoundShare[];
  /** What servers answered that could not say. */
  readonly reasons: readonly string[];
  /** Sees to it that all servers are asked; whether every one has answered or was given up. */
  finish(): boolean;
  /** Resolves when one more server has answered or was given up. */
  nextAnswer(): Promise<void>;
  /** Waits until shares of at least `count` different numbers are known, or every server has answered or given up. */
  enough(count: number): Promise<void>;
}

/** Shares that are all known from the beginning. */
export class KnownShares implements ShareSupply {
  readonly reasons = [];

  constructor(readonly found: readonly FoundShare[]) {}

  finish(): boolean {
    return true;
  }

  nextAnswer(): Promise<void> {
    return new Promise(() => undefined);
  }

  async enough(): Promise<void> {}
}

/** How a share is called in messages: never by its file. */
export function describeShare({ shareNumber, server }: FoundShare): string {
  return `share ${shareNumber} on ${server.nickname}`;
}

/**
 * The shares that a server says it holds of a file; small ones with their data, if that is asked for and it can.
 *
 * @param within milliseconds that it has to answer; the usual ones where not given
 * @param most bytes of data that are wanted; see `readWhole` of a server
 * @throws StorageServerError
 */
export async function sharesHeldBy(
  server: StorageServer,
  storageIndex: Uint8Array,
  {
    whole,
    signal,
    within,
    most,
  }: { whole: boolean; signal?: AbortSignal | undefined; within?: number; most?: number },
): Promise<FoundShare[]> {
  if (!whole || !server.wholeShares) {
    const shareNumbers = await server.listShares(storageIndex, signal, within);
    return [...shareNumbers].map((shareNumber) => ({ shareNumber, server }));
  }
  const { shares, others } = await server.readWhole(storageIndex, signal, within, most);
  return [
    ...[...shares].map(([shareNumber, data]) => ({ shareNumber, server, data })),
    ...[...others].map((shareNumber) => ({ shareNumber, server })),
  ];
}
