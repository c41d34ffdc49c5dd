import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { StorageServer } from '../connections/storage-server.js';
import { ShareUpload } from './share-upload.js';

/** A share on its way to a server that notes what it is sent, as it is when it is sent. */
function upload(shareSize: number, { stuck, signal }: { stuck?: boolean; signal?: AbortSignal } = {}) {
  const sent: string[] = [];
  const given: number[] = [];
  const server = {
    nickname: 's1',
    abort: async (_index: Uint8Array, shareNumber: number) => {
      given.push(shareNumber);
    },
    write: async (...[, , offset, data, , ending]: Parameters<StorageServer['write']>) => {
      sent.push(Buffer.from(data).toString());
      if (stuck) await once(ending as AbortSignal, 'abort');
      if (stuck) throw new Error('broken off');
      return offset + data.length === shareSize;
    },
  };
  const share = new ShareUpload({
    shareNumber: 0,
    server: server as unknown as StorageServer,
    storageIndex: new Uint8Array(16),
    uploadSecret: new Uint8Array(32),
    shareSize,
    largestPart: shareSize,
    buffer: (size) => Buffer.alloc(size, '.'),
    signal,
  });
  return { share, sent, given };
}

describe('a share on its way', () => {
  it('is not sent before its places are filled that somebody else fills', async () => {
    const { share, sent } = upload(4);
    const [first, second] = [await share.room(2), await share.room(2)];
    let filled: () => void = () => undefined;
    share.filledWhen(
      new Promise<void>((resolve) => {
        filled = resolve;
      }),
    );
    first.set(Buffer.from('ab'));
    const finished = share.finish();
    await nextTurn();
    expect(sent).toEqual([]);
    second.set(Buffer.from('cd'));
    filled();
    expect(await finished).toBe(true);
    expect(sent).toEqual(['abcd']);
  });

  it('fails, and nothing of it is sent, where they cannot be filled', async () => {
    const { share, sent } = upload(2);
    await share.room(2);
    share.filledWhen(Promise.reject(new Error('the thread has ended')));
    expect(await share.finish()).toBe(false);
    expect(share.failure?.message).toBe('the thread has ended');
    expect(sent).toEqual([]);
  });

  it('is given up at once, also where its server takes no bytes, and its server is told', async () => {
    const { share, sent, given } = upload(2, { stuck: true });
    await share.append(Buffer.from('ab'));
    const finished = share.finish();
    await nextTurn();
    expect(sent).toEqual(['ab']);
    await share.abort(new Error('too few servers take shares'));
    expect(await finished).toBe(false);
    expect(share.failure?.message).toBe('too few servers take shares');
    expect(given).toEqual([0]);
  });

  it('ends with the signal of the upload', async () => {
    const leaving = new AbortController();
    const { share } = upload(2, { stuck: true, signal: leaving.signal });
    await share.append(Buffer.from('ab'));
    const finished = share.finish();
    await nextTurn();
    leaving.abort();
    expect(await finished).toBe(false);
    expect(share.failure?.message).toBe('broken off');
  });
});
