import { setTimeout as delay } from 'node:timers/promises';
import type { GridServers, StorageServer } from '@holdfast/grid';
import { describe, expect, it } from 'vitest';
import { limitRequests } from './limit-requests.js';

const storageIndex = new Uint8Array(16);

/** A set of servers that only notice how many requests they have at once. */
function countingServers(ids: readonly string[]) {
  const most = new Map<string, number>();
  const serverOf = (id: string): StorageServer => {
    let open = 0;
    const request = async <T>(answer: T): Promise<T> => {
      open++;
      most.set(id, Math.max(most.get(id) ?? 0, open));
      await delay(5);
      open--;
      return answer;
    };
    const server: Partial<StorageServer> = {
      id,
      nickname: id,
      listShares: () => request(new Set<number>()),
      read: () => request(new Uint8Array(1)),
      abort: () => request(undefined),
    };
    return server as StorageServer;
  };
  const all = ids.map(serverOf);
  const servers: GridServers = {
    connectedFor: () => all,
    orderFor: () => all.map(({ id }) => id),
    vouchedFor: () => ({ servers: all, passedOver: 0, leaving: 0 }),
    statuses: () => [],
  };
  return { servers, most };
}

describe('a limit of requests for each server', () => {
  it('holds over all who use the servers, and for each server by itself', async () => {
    const { servers, most } = countingServers(['s1', 's2']);
    const limited = limitRequests(servers, 3);
    const work = Array.from({ length: 20 }, (_, turn) => {
      const them = turn % 2 ? limited.connectedFor(storageIndex) : limited.vouchedFor(storageIndex).servers;
      return them.map((server) =>
        turn % 3 ? server.read(storageIndex, 0, 0, 1) : server.listShares(storageIndex),
      );
    });
    await Promise.all(work.flat());
    expect(most).toEqual(
      new Map([
        ['s1', 3],
        ['s2', 3],
      ]),
    );
  });

  it('gives the turn on when a request fails, or is not wanted any more', async () => {
    const { servers } = countingServers(['s1']);
    const [server] = limitRequests(servers, 1).connectedFor(storageIndex);
    const ending = new AbortController();
    const first = server?.read(storageIndex, 0, 0, 1);
    const unwanted = server?.read(storageIndex, 0, 0, 1, ending.signal);
    ending.abort(new Error('enough'));
    await expect(unwanted).rejects.toMatchObject({ name: 'StorageServerError', code: 'aborted' });
    await first;
    expect(await server?.read(storageIndex, 0, 0, 1)).toEqual(new Uint8Array(1));
  });

  it('counts the time that a server has to answer from its turn, not from when the line was joined', async () => {
    const { servers } = countingServers(['s1']);
    const given: unknown[][] = [];
    const busy = servers.connectedFor(storageIndex).map((server) => ({
      ...server,
      listShares: async (...request: Parameters<StorageServer['listShares']>) => {
        given.push(request);
        return server.listShares(...request);
      },
    }));
    const limited = limitRequests({ ...servers, connectedFor: () => busy }, 1).connectedFor(storageIndex);
    // Each takes longer than the next may: none has failed, since each was asked only in its turn.
    const lists = Array.from({ length: 3 }, () => limited[0]?.listShares(storageIndex, undefined, 1));
    expect(await Promise.all(lists)).toEqual([new Set(), new Set(), new Set()]);
    expect(given).toEqual(Array.from({ length: 3 }, () => [storageIndex, undefined, 1]));
  });

  it('hands on all that a request says', async () => {
    const { servers } = countingServers(['s1']);
    const given: unknown[][] = [];
    const noting = servers.connectedFor(storageIndex).map((server) => ({
      ...server,
      read: async (...request: Parameters<StorageServer['read']>) => {
        given.push(request);
        return new Uint8Array(1);
      },
    }));
    const [server] = limitRequests({ ...servers, connectedFor: () => noting }, 1).connectedFor(storageIndex);
    const { signal } = new AbortController();
    const room = new Uint8Array(5);
    await server?.read(storageIndex, 3, 10, 15, signal, 1_000, room);
    expect(given).toEqual([[storageIndex, 3, 10, 15, signal, 1_000, room]]);
    expect(given[0]?.[6]).toBe(room);
  });

  it('holds up nothing that cleans up', async () => {
    const { servers, most } = countingServers(['s1']);
    const [server] = limitRequests(servers, 1).connectedFor(storageIndex);
    await Promise.all([
      server?.read(storageIndex, 0, 0, 1),
      server?.abort(storageIndex, 0, new Uint8Array(32)),
    ]);
    expect(most.get('s1')).toBe(2);
  });
});
