import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ByteRange } from '@holdfast/lafs';
import { afterEach, describe, expect, it } from 'vitest';
import { sendPieces } from './send-pieces.js';

const size = 50_000_000;
const server = createServer();
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Serves `size` bytes through sendPieces, and tells which pieces were read. */
async function serve(): Promise<{ port: number; pieces: ByteRange[]; ended: Promise<unknown> }> {
  const pieces: ByteRange[] = [];
  let done: (result: unknown) => void = () => {};
  const ended = new Promise((resolve) => {
    done = resolve;
  });
  server.removeAllListeners('request').on('request', (_, response) => {
    const read = async (piece: ByteRange) => {
      pieces.push(piece);
      return Buffer.alloc(piece.end - piece.begin, 7);
    };
    sendPieces(response, 200, { 'content-length': size }, { begin: 0, end: size }, read).then(done, done);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, pieces, ended };
}

describe('sendPieces', () => {
  it('sends all of a range, piece after piece', async () => {
    const { port, pieces } = await serve();
    const body = await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer();
    expect(body.byteLength).toBe(size);
    expect(Math.max(...pieces.map(({ begin, end }) => end - begin))).toBeLessThanOrEqual(512 * 1024);
    for (const [index, piece] of pieces.entries()) expect(piece.begin).toBe(pieces[index - 1]?.end ?? 0);
  });

  it('reads no further than a slow client takes, and stops when it goes', async () => {
    const { port, pieces, ended } = await serve();
    const request = httpRequest({ port, host: '127.0.0.1' }).end();
    const response = await new Promise<{ pause(): void; destroy(): void }>((resolve) =>
      request.once('response', resolve),
    );
    response.pause();
    await delay(200);
    expect(pieces.length).toBeLessThan(size / 2 / (512 * 1024));
    response.destroy();
    expect(await ended).toBeUndefined();
    expect(pieces.length).toBeLessThan(size / 2 / (512 * 1024));
  });
});
