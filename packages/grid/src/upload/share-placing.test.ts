import { describe, expect, it } from 'vitest';
import type { StorageServer } from '../connections/storage-server.js';
import { StorageServerError } from '../errors.js';
import { SharePlacing } from './share-placing.js';

/** A server with room for every share. */
function server(id: string, listShares: StorageServer['listShares'] = async () => new Set()): StorageServer {
  return {
    id,
    nickname: id,
    wholeShares: false,
    maximumShareSize: 1_000,
    listShares,
    allocate: async (_index: Uint8Array, wanted: ReadonlySet<number>) => ({
      alreadyHave: new Set(),
      allocated: new Set(wanted),
      stored: new Set(),
    }),
  } as unknown as StorageServer;
}

describe('servers that get no share of a new file', () => {
  it('are asked what they hold, and waited for no longer than 5 s: the upload begins after them', async () => {
    const asked: (number | undefined)[] = [];
    const silent = server('silent', async (_index, _signal, within) => {
      asked.push(within);
      throw new StorageServerError('aborted', 'silent', 'did not answer within 5 s');
    });
    const candidates = [{ server: server('first') }, { server: silent }];
    const placing = new SharePlacing(candidates, {
      storageIndex: new Uint8Array(16),
      total: 1,
      shareSize: 10,
    });
    await placing.firstRound();
    expect(asked).toEqual([5_000]);
    expect([...placing.toWrite].map(([share, { id }]) => [share, id])).toEqual([[0, 'first']]);
    expect(placing.reasons).toEqual(['silent: did not answer within 5 s']);
  });
});
