import type { StorageServer } from '../connections/storage-server.js';

/** A share that a server says it holds. */
export interface FoundShare {
  readonly shareNumber: number;
  readonly server: StorageServer;
  /** All of its bytes, where the server gave them at once. Unproved. */
  readonly data?: Uint8Array;
}

/** How a share is called in messages: never by its file. */
export function describeShare({ shareNumber, server }: FoundShare): string {
  return `share ${shareNumber} on ${server.nickname}`;
}

/** The shares that a server says it holds of a file; small ones with their data, if that is asked for and it can. */
export async function sharesHeldBy(
  server: StorageServer,
  storageIndex: Uint8Array,
  { whole }: { whole: boolean },
): Promise<FoundShare[]> {
  if (!whole || !server.wholeShares) {
    const shareNumbers = await server.listShares(storageIndex);
    return [...shareNumbers].map((shareNumber) => ({ shareNumber, server }));
  }
  const { shares, others } = await server.readWhole(storageIndex);
  return [
    ...[...shares].map(([shareNumber, data]) => ({ shareNumber, server, data })),
    ...[...others].map((shareNumber) => ({ shareNumber, server })),
  ];
}
