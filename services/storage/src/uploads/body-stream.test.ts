import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { streamBody } from './body-stream.js';

async function collect(body: Readable, size: number): Promise<{ bytes: Buffer; offsets: number[] }> {
  const offsets: number[] = [];
  const pieces: Buffer[] = [];
  await streamBody(body, size, async (offset, chunks) => {
    offsets.push(offset);
    await delay(1);
    pieces.push(Buffer.concat(chunks));
  });
  return { bytes: Buffer.concat(pieces), offsets };
}

describe('streamBody', () => {
  it('passes everything on in order, and a small body in one batch', async () => {
    const small = await collect(Readable.from([Buffer.from('abc'), Buffer.from('def')]), 6);
    expect([small.bytes.toString(), small.offsets]).toEqual(['abcdef', [0]]);
    const chunks = Array.from({ length: 100 }, (_, index) => Buffer.alloc(50_000, index));
    const large = await collect(Readable.from(chunks), 5_000_000);
    expect(large.bytes.equals(Buffer.concat(chunks))).toBe(true);
    expect(large.offsets.length).toBeLessThan(20);
  });

  it('holds the sender back while a write is slow', async () => {
    const body = new PassThrough({ highWaterMark: 1000 });
    let finish = () => {};
    const streaming = streamBody(
      body,
      100_000_000,
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    streaming.catch(() => undefined);
    let taken = 0;
    for (; taken < 1000; taken++) {
      body.write(Buffer.alloc(100_000));
      await delay(0);
      if (body.isPaused()) break;
    }
    // Three buffers of a transfer, and the chunk that was one too many.
    expect(taken * 100_000).toBeLessThan(3 * 1024 * 1024 + 200_000);
    finish();
    await delay(5);
    body.destroy();
    await expect(streaming).rejects.toMatchObject({ code: 'body-incomplete' });
  });

  it.each([
    ['longer', ['abc', 'def'], 5, 'range-body-mismatch'],
    ['shorter', ['abc'], 5, 'range-body-mismatch'],
  ])('refuses a body that is %s than it should be', async (_, chunks, size, code) => {
    const body = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
    await expect(streamBody(body, size, async () => {})).rejects.toMatchObject({ code });
  });

  it('fails for a body that breaks off, also before it was looked at', async () => {
    const body = new PassThrough();
    body.destroy();
    await expect(streamBody(body, 5, async () => {})).rejects.toMatchObject({ code: 'body-incomplete' });
  });

  it('fails with the error of a write, and lets the rest of the body pass by', async () => {
    const body = Readable.from(Array.from({ length: 50 }, () => Buffer.alloc(100_000)));
    const full = new Error('disk full');
    await expect(streamBody(body, 5_000_000, () => Promise.reject(full))).rejects.toBe(full);
    await expect.poll(() => body.readableEnded).toBe(true);
  });
});
