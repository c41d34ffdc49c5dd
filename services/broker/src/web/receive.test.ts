import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { receive } from './receive.js';

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}

const { signal } = new AbortController();
const options = { most: 10, patience: 50, signal, onBytes: () => undefined };

describe('receive', () => {
  it('passes on every byte and counts them', async () => {
    let count = 0;
    const onBytes = (more: number) => {
      count += more;
    };
    const body = Readable.from([Buffer.from('hello'), Buffer.from('there')], { objectMode: false });
    expect(await collect(receive(body, { ...options, onBytes }))).toBe('hellothere');
    expect(count).toBe(10);
  });

  it('refuses what is too large, and leaves the connection open to say so', async () => {
    const body = new PassThrough();
    body.write(Buffer.alloc(11));
    await expect(collect(receive(body, options))).rejects.toMatchObject({ status: 413 });
    expect(body.destroyed).toBe(false);
  });

  it('does not wait for ever for a client that says nothing', async () => {
    const body = new PassThrough();
    body.write('hello');
    await expect(collect(receive(body, options))).rejects.toMatchObject({ status: 408 });
    expect(body.destroyed).toBe(false);
  });

  it('holds no slowness of our own against the client', async () => {
    const body = new PassThrough();
    body.end('hello');
    for await (const _piece of receive(body, options)) await delay(100);
    expect(body.errored).toBeNull();
  });

  it('leaves what still comes to be passed over, wherever it ended', async () => {
    for (const first of ['hello', 'x'.repeat(11)]) {
      const body = new PassThrough({ highWaterMark: 16 });
      body.write(first);
      await expect(collect(receive(body, options))).rejects.toMatchObject({ name: 'RequestError' });
      body.resume();
      body.end('y'.repeat(1_000));
      await once(body, 'end');
    }
  });

  it('is given up while it waits, and leaves the connection open', async () => {
    const body = new PassThrough();
    const givingUp = new AbortController();
    const received = collect(receive(body, { ...options, signal: givingUp.signal }));
    setImmediate(() => givingUp.abort(new Error('too slow')));
    await expect(received).rejects.toThrow('too slow');
    expect(body.destroyed).toBe(false);
  });

  it('fails as the body does', async () => {
    const body = new PassThrough();
    body.write('hello');
    setImmediate(() => body.destroy(new Error('aborted')));
    await expect(collect(receive(body, options))).rejects.toThrow('aborted');
  });
});
