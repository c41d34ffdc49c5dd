import { Capacity } from '@holdfast/common/capacity';
import { type GridServers, type StorageServer, StorageServerError } from '@holdfast/grid';

/** How many requests may wait for one server, and how many milliseconds each. */
const line = { longestLine: 10_000, longestWait: 10 * 60_000 };

/**
 * The same servers, each with so many requests at a time and no more, whatever wants something of it. What cleans up
 * goes through at once.
 */
export function limitRequests(servers: GridServers, atOnce: number): GridServers {
  const places = new Map<string, Capacity>();
  const limited = (server: StorageServer): StorageServer => {
    let capacity = places.get(server.id);
    if (!capacity) {
      capacity = new Capacity({ of: 'turns at a storage server', size: atOnce, ...line });
      places.set(server.id, capacity);
    }
    return takingTurns(server, capacity);
  };
  return {
    connectedFor: (storageIndex) => servers.connectedFor(storageIndex).map(limited),
    vouchedFor: (storageIndex) => {
      const vouched = servers.vouchedFor(storageIndex);
      return { ...vouched, servers: vouched.servers.map(limited) };
    },
    orderFor: (storageIndex) => servers.orderFor(storageIndex),
    statuses: () => servers.statuses(),
  };
}

function takingTurns(server: StorageServer, capacity: Capacity): StorageServer {
  const inTurn = async <T>(signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> => {
    const turn = await capacity.take(1, signal).catch((error: Error) => {
      // As any request that was not answered: it says nothing of the share that was asked for.
      throw new StorageServerError('aborted', server.nickname, error.message, undefined, { cause: error });
    });
    try {
      return await request();
    } finally {
      turn.release();
    }
  };
  return {
    id: server.id,
    nickname: server.nickname,
    permutationSeed: server.permutationSeed,
    availableSpace: server.availableSpace,
    maximumShareSize: server.maximumShareSize,
    leaving: server.leaving,
    wholeShares: server.wholeShares,
    listShares: (index, signal, within) => inTurn(signal, () => server.listShares(index, signal, within)),
    allocate: (index, numbers, size, secret, signal) =>
      inTurn(signal, () => server.allocate(index, numbers, size, secret, signal)),
    store: (index, shares, signal) => inTurn(signal, () => server.store(index, shares, signal)),
    readWhole: (index, signal, within) => inTurn(signal, () => server.readWhole(index, signal, within)),
    write: (index, number, offset, data, secret, signal) =>
      inTurn(signal, () => server.write(index, number, offset, data, secret, signal)),
    read: (index, number, start, end, signal, within) =>
      inTurn(signal, () => server.read(index, number, start, end, signal, within)),
    renewLease: (index, signal) => inTurn(signal, () => server.renewLease(index, signal)),
    abort: (...request) => server.abort(...request),
    reportCorruption: (...request) => server.reportCorruption(...request),
  };
}
