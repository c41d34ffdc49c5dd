import { Capacity } from '@holdfast/common/capacity';
import {
  GatheredQuestions,
  type GridServers,
  type QuestionPort,
  type StorageServer,
  StorageServerError,
} from '@holdfast/grid';

/** How many requests may wait for one server, and how many milliseconds each. */
const line = { longestLine: 10_000, longestWait: 10 * 60_000 };

/**
 * The same servers, each with so many requests at a time and no more, whatever wants something of it. What cleans up
 * goes through at once.
 */
export function limitRequests(servers: GridServers, atOnce: number): GridServers {
  const places = new Map<string, Capacity>();
  const questions = new WeakMap<StorageServer, GatheredQuestions>();
  const limited = (server: StorageServer): StorageServer => {
    let capacity = places.get(server.id);
    if (!capacity) {
      capacity = new Capacity({ of: 'turns at a storage server', size: atOnce, ...line });
      places.set(server.id, capacity);
    }
    let asked = questions.get(server);
    if (!asked) {
      asked = questionsInTurn(server, turnsAt(server, capacity));
      questions.set(server, asked);
    }
    return takingTurns(server, turnsAt(server, capacity), asked);
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

type InTurn = QuestionPort['inTurn'];

function turnsAt(server: StorageServer, capacity: Capacity): InTurn {
  return async (signal, request) => {
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
}

/** Questions that go in one request together take one turn. */
function questionsInTurn(server: StorageServer, inTurn: InTurn): GatheredQuestions {
  return new GatheredQuestions({
    nickname: () => server.nickname,
    findMany: () => server.findMany,
    findShares: (...request) => server.findShares(...request),
    listShares: (...request) => server.listShares(...request),
    readWhole: (...request) => server.readWhole(...request),
    inTurn,
  });
}

function takingTurns(server: StorageServer, inTurn: InTurn, questions: GatheredQuestions): StorageServer {
  return {
    id: server.id,
    nickname: server.nickname,
    permutationSeed: server.permutationSeed,
    availableSpace: server.availableSpace,
    maximumShareSize: server.maximumShareSize,
    leaving: server.leaving,
    wholeShares: server.wholeShares,
    findMany: server.findMany,
    listShares: (...request) => questions.listShares(...request),
    allocate: (index, numbers, size, secret, signal) =>
      inTurn(signal, () => server.allocate(index, numbers, size, secret, signal)),
    store: (index, shares, signal) => inTurn(signal, () => server.store(index, shares, signal)),
    readWhole: (...request) => questions.readWhole(...request),
    findShares: (files, signal) => inTurn(signal, () => server.findShares(files, signal)),
    write: (index, number, offset, data, secret, signal) =>
      inTurn(signal, () => server.write(index, number, offset, data, secret, signal)),
    read: (index, number, start, end, signal, ...rest) =>
      inTurn(signal, () => server.read(index, number, start, end, signal, ...rest)),
    renewLease: (index, signal) => inTurn(signal, () => server.renewLease(index, signal)),
    abort: (...request) => server.abort(...request),
    reportCorruption: (...request) => server.reportCorruption(...request),
  };
}
