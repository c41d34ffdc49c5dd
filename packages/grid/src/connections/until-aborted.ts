import type { StorageServer } from './storage-server.js';

/**
 * A server for as long as somebody wants something of it: with the signal, its requests end at once. Only what cleans
 * up goes on: giving up shares, and reports of corruption.
 */
export function untilAborted(server: StorageServer, signal: AbortSignal | undefined): StorageServer {
  if (!signal) return server;
  return {
    id: server.id,
    nickname: server.nickname,
    permutationSeed: server.permutationSeed,
    availableSpace: server.availableSpace,
    maximumShareSize: server.maximumShareSize,
    leaving: server.leaving,
    wholeShares: server.wholeShares,
    listShares: (storageIndex) => server.listShares(storageIndex, signal),
    allocate: (storageIndex, shareNumbers, shareSize, uploadSecret) =>
      server.allocate(storageIndex, shareNumbers, shareSize, uploadSecret, signal),
    store: (storageIndex, shares) => server.store(storageIndex, shares, signal),
    readWhole: (storageIndex) => server.readWhole(storageIndex, signal),
    write: (storageIndex, shareNumber, offset, data, uploadSecret) =>
      server.write(storageIndex, shareNumber, offset, data, uploadSecret, signal),
    read: (storageIndex, shareNumber, start, end, own = signal) =>
      server.read(storageIndex, shareNumber, start, end, own),
    renewLease: (storageIndex) => server.renewLease(storageIndex, signal),
    abort: (...request) => server.abort(...request),
    reportCorruption: (...request) => server.reportCorruption(...request),
  };
}
