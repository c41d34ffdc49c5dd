import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Attacker, type HostileRequest } from './testing/hostile-requests.js';
import { Seeded, testSeed } from './testing/seeded.js';
import { startTestServer, type TestServer } from './testing/test-server.js';

const cases = 3_000;
const atOnce = 8;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** Sends a request as it stands, over a connection of its own, and gives the status; 0 where there is no answer. */
async function send({ method, path, headers, body }: HostileRequest): Promise<number> {
  const { hostname: host, port } = new URL(server.client.origin);
  const socket: TLSSocket = connect({ host, port: Number(port), rejectUnauthorized: false });
  try {
    return await new Promise((resolve) => {
      let answer = '';
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        answer += chunk.toString('latin1');
        const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
        if (status === '100') answer = answer.slice(answer.indexOf('\r\n\r\n') + 4);
        else if (status !== undefined) resolve(Number(status));
      });
      socket.once('close', () => resolve(0));
      socket.setTimeout(10_000, () => resolve(-1));
      const lines = [
        `${method} ${path} HTTP/1.1`,
        'Host: s1',
        'Connection: close',
        `Content-Length: ${body.length}`,
        ...headers.map(([name, value]) => `${name}: ${value}`),
      ];
      socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
      socket.write(body);
    });
  } finally {
    socket.destroy();
  }
}

const residentMemory = async () => {
  const status = await readFile(`/proc/${server.pid()}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
};

describe('requests that no good client sends', () => {
  it(`${cases} of them are answered with 4xx or as a right one, at once, and harm nothing`, async () => {
    const seed = testSeed();
    process.stdout.write(`HOLDFAST_SEED=${seed}\n`);
    const attacker = new Attacker(seed, server.client.swissnum);
    const kept = { storageIndex: new Uint8Array(16).fill(7), shareNumber: 0 };
    const data = Buffer.alloc(10_000, 3);
    await server.client.store(kept, data);
    const pid = server.pid();
    const before = await residentMemory();
    const seen = new Map<number, number>();
    let left = cases;
    const attack = async () => {
      while (left-- > 0) {
        const hostile = attacker.next();
        const status = await send(hostile);
        seen.set(status, (seen.get(status) ?? 0) + 1);
        // What the change left right is done: a mutated byte of a secret or of data is a right request still.
        const fine = (status >= 200 && status < 300) || (status >= 400 && status < 500);
        if (!fine) {
          const shown = { ...hostile, body: hostile.body.subarray(0, 300).toString('hex') };
          expect.fail(`answered with ${status}: ${JSON.stringify(shown).slice(0, 3_000)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, attack));
    const wrong = [...seen].reduce((sum, [status, count]) => sum + (status >= 400 ? count : 0), 0);
    expect(wrong).toBeGreaterThan(2_000);
    // Each kind of refusal was met.
    expect([...seen.keys()]).toEqual(expect.arrayContaining([400, 401, 404, 405, 406, 415, 416, 431]));
    expect(server.pid()).toBe(pid);
    expect(data.equals((await server.client.read(kept)).body)).toBe(true);
    await delay(500);
    expect((await residentMemory()) - before).toBeLessThan(200_000_000);
    const log = await readFile(server.log, 'utf8');
    expect(log).not.toContain('a request failed');
  }, 120_000);

  it('that are no HTTP at all end their connection, and no other', async () => {
    const random = new Seeded(testSeed());
    const { hostname: host, port } = new URL(server.client.origin);
    for (let index = 0; index < 60; index++) {
      const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
      socket.on('error', () => undefined);
      const answer = new Promise<string>((resolve) => {
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk.toString('latin1');
        });
        socket.once('close', () => resolve(text));
      });
      const junk = [
        random.bytes(1 + random.below(500)),
        Buffer.from('GET / HTTP/9.9\r\n\r\n'),
        Buffer.from(
          'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz',
        ),
        Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'),
        Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n'),
      ];
      socket.end(random.pick(junk));
      expect(await answer).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    }
    expect((await server.client.request('GET', '/storage/v1/version')).status).toBe(200);
  });
});
