import type { StorageServer } from './storage-server.js';

/**
 * A server for as long as somebody wants something of it: with the signal, its requests end at once. Only what cleans
 * up goes on: giving up shares, and reports of corruption. A request that brings a signal of its own ends with that one
 * instead, which whoever gives it makes end with this one.
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
    findMany: server.findMany,
    listShares: (storageIndex, own = signal, ...rest) => server.listShares(storageIndex, own, ...rest),
    allocate: (storageIndex, shareNumbers, shareSize, uploadSecret, own = signal) =>
      server.allocate(storageIndex, shareNumbers, shareSize, uploadSecret, own),
    store: (storageIndex, shares, own = signal) => server.store(storageIndex, shares, own),
    readWhole: (storageIndex, own = signal, ...rest) => server.readWhole(storageIndex, own, ...rest),
    findShares: (questions, own = signal) => server.findShares(questions, own),
    write: (storageIndex, shareNumber, offset, data, uploadSecret, own = signal) =>
      server.write(storageIndex, shareNumber, offset, data, uploadSecret, own),
    read: (storageIndex, shareNumber, start, end, own = signal, ...rest) =>
      server.read(storageIndex, shareNumber, start, end, own, ...rest),
    renewLease: (storageIndex, own = signal) => server.renewLease(storageIndex, own),
    abort: (...request) => server.abort(...request),
    reportCorruption: (...request) => server.reportCorruption(...request),
  };
}
