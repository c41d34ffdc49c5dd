import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { StorageServer } from '../connections/storage-server.js';
import { ShareUpload } from './share-upload.js';

/** A share on its way to a server that notes what it is sent, as it is when it is sent. */
function upload(shareSize: number) {
  const sent: string[] = [];
  const server = {
    nickname: 's1',
    write: async (_index: Uint8Array, _share: number, offset: number, data: Uint8Array) => {
      sent.push(Buffer.from(data).toString());
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
  });
  return { share, sent };
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
});
