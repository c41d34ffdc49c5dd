import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { localCoding } from '../coding/local-coding.js';
import { BufferPool } from '../memory/buffer-pool.js';
import { TransferMemory } from '../memory/transfer-memory.js';
import { type UploadOptions, uploadFile } from './upload-file.js';

const encoding = { required: 3, happy: 7, total: 10, maximumSegmentSize: 2 ** 20 };

/** What a broker has by its usual settings; no server is needed for files that stand in their capability. */
const options = (memory: TransferMemory): UploadOptions => ({
  encoding,
  convergenceSecret: new Uint8Array(32),
  coding: localCoding,
  spoolDir: '/nonexistent',
  serversFor: () => ({ servers: [], passedOver: 0, leaving: 0 }),
  memory,
  buffers: new BufferPool(localCoding.buffer, 0),
});

async function* hello() {
  yield Buffer.from('hello');
}

describe('uploads by clients who send next to nothing', () => {
  it('leave memory to others, who may be many more than would fit if each had all that it can use', async () => {
    const memory = new TransferMemory(40 * 2 ** 20, { longestWait: 1_000 });
    const leaving = new AbortController();
    async function* stalled() {
      yield Buffer.from('h');
      await once(leaving.signal, 'abort');
      throw new Error('the client went away');
    }
    const uploads = Array.from({ length: 9 }, () => uploadFile(stalled(), options(memory)));
    const ended = Promise.allSettled(uploads);
    expect(await uploadFile(hello(), options(memory))).toBe('URI:LIT:nbswy3dp');
    leaving.abort();
    expect(new Set((await ended).map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect([memory.receiving.taken, memory.working.taken]).toEqual([0, 0]);
  });
});
