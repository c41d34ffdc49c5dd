import type { StorageServer } from './storage-server.js';

/** Counts bytes of shares that go by. */
export interface TrafficMeter {
  read: number;
  written: number;
}

/** A server whose traffic is counted: share data only, as it was answered or taken. */
export function meteredServer(server: StorageServer, meter: TrafficMeter): StorageServer {
  return {
    id: server.id,
    nickname: server.nickname,
    permutationSeed: server.permutationSeed,
    availableSpace: server.availableSpace,
    maximumShareSize: server.maximumShareSize,
    wholeShares: server.wholeShares,
    findMany: server.findMany,
    leaving: server.leaving,
    listShares: (...request) => server.listShares(...request),
    allocate: (...request) => server.allocate(...request),
    store: async (storageIndex, shares, signal) => {
      const answer = await server.store(storageIndex, shares, signal);
      for (const share of answer.stored) meter.written += shares.get(share)?.length ?? 0;
      return answer;
    },
    readWhole: async (...request) => {
      const answer = await server.readWhole(...request);
      for (const data of answer.shares.values()) meter.read += data.length;
      return answer;
    },
    findShares: async (...request) => {
      const answers = await server.findShares(...request);
      for (const answer of answers)
        for (const data of answer?.shares.values() ?? []) meter.read += data.length;
      return answers;
    },
    write: async (storageIndex, shareNumber, offset, data, uploadSecret, signal) => {
      const complete = await server.write(storageIndex, shareNumber, offset, data, uploadSecret, signal);
      meter.written += data.length;
      return complete;
    },
    read: async (...request) => {
      const data = await server.read(...request);
      meter.read += data.length;
      return data;
    },
    renewLease: (...request) => server.renewLease(...request),
    abort: (...request) => server.abort(...request),
    reportCorruption: (...request) => server.reportCorruption(...request),
  };
}
