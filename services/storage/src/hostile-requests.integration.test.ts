import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import {
  encodeAllocateRequest,
  encodeCbor,
  encodeReadTestWriteRequest,
  formatAuthorization,
  type RouteName,
  storageRoutes,
} from '@holdfast/lafs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Seeded, testSeed } from './testing/seeded.js';
import { startTestServer, type TestServer } from './testing/test-server.js';

const cases = 3_000;
const atOnce = 8;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.[Symbol.asyncDispose]());

interface Hostile {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

const routes = Object.entries(storageRoutes) as [RouteName, (typeof storageRoutes)[RouteName]][];

/** Makes requests that are wrong in at least one way; most are right in all the others, so that they get far. */
class Attacker {
  readonly #random: Seeded;

  constructor(seed: number) {
    this.#random = new Seeded(seed);
  }

  next(): Hostile {
    const random = this.#random;
    const [name, route] = random.pick(routes);
    const address = { storageIndex: random.bytes(16), shareNumber: random.below(5) };
    const right: Hostile = {
      method: route.method,
      path: (route.path as (parameters: object) => string)(address),
      headers: [
        ['Authorization', formatAuthorization(server.client.swissnum)],
        ['Accept', 'application/cbor'],
        ['Content-Type', 'application/cbor'],
        ...route.secrets.map((kind) => ['X-Tahoe-Authorization', this.#secret(kind)] as const),
        ...(name === 'writeShare' ? [['Content-Range', 'bytes 0-9/*'] as const] : []),
      ],
      body: this.#rightBody(name),
    };
    const wrongs = [
      () => this.#wrongBody(right),
      () => this.#wrongBody(right),
      () => this.#wrongHeader(right),
      () => this.#wrongHeader(right),
      () => this.#wrongPath(right),
      () => this.#wrongMethod(right),
    ];
    return random.pick(wrongs)();
  }

  #secret(kind: string): string {
    return `${kind} ${this.#random.bytes(32).toString('base64')}`;
  }

  #rightBody(name: RouteName): Buffer {
    const random = this.#random;
    if (name === 'allocateShares') {
      return Buffer.from(encodeAllocateRequest({ shareNumbers: new Set([0, 1]), allocatedSize: 1000 }));
    }
    if (name === 'readTestWrite') {
      const change = { test: [], write: [{ offset: 3, data: random.bytes(5) }], newLength: null };
      const read = [{ offset: 0, size: 10 }];
      return Buffer.from(encodeReadTestWriteRequest({ changes: new Map([[0, change]]), read }));
    }
    return name === 'reportCorruption' || name === 'reportMutableCorruption'
      ? Buffer.from(encodeCbor({ reason: 'because' }))
      : Buffer.alloc(name === 'writeShare' ? 10 : 0);
  }

  #wrongBody(right: Hostile): Hostile {
    const random = this.#random;
    const bodies = [
      () => random.bytes(random.below(200)),
      () => Buffer.from(encodeCbor(this.#value(0))),
      () => this.#mutated(right.body),
      () => right.body.subarray(0, random.below(right.body.length + 1)),
      () => Buffer.concat([right.body, random.bytes(1 + random.below(4))]),
      // Lengths that promise far more than there is.
      () => Buffer.from([random.pick([0x5b, 0x7b, 0x9b, 0xbb]), ...random.bytes(8)]),
      () => Buffer.alloc(1 + random.below(100_000), random.pick([0x81, 0xa1, 0xc1, 0xd9, 0x9f, 0xff])),
      () => Buffer.from(encodeCbor(new Map([[this.#value(2), this.#value(0)]]))),
      () => this.#wrongFields(),
    ];
    return { ...right, body: random.pick(bodies)() };
  }

  /** Messages with the fields that there are and values that should not be in them. */
  #wrongFields(): Buffer {
    const names = [
      'share-numbers',
      'allocated-size',
      'reason',
      'test-write-vectors',
      'read-vector',
      'new-length',
    ];
    const vectors = ['test', 'write', 'offset', 'size', 'specimen', 'data'];
    const { pick } = { pick: <T>(items: readonly T[]) => this.#random.pick(items) };
    const inner = () =>
      Object.fromEntries([pick(vectors), pick(vectors)].map((key) => [key, this.#value(2)]));
    const value = () =>
      pick([() => this.#value(0), inner, () => [inner()], () => new Map([[this.#value(3), inner()]])])();
    return Buffer.from(
      encodeCbor(Object.fromEntries([pick(names), pick(names), pick(names)].map((key) => [key, value()]))),
    );
  }

  #mutated(body: Buffer): Buffer {
    const random = this.#random;
    const changed = Buffer.from(body);
    for (let count = 1 + random.below(4); count > 0 && changed.length > 0; count--) {
      changed[random.below(changed.length)] = random.below(256);
    }
    return changed;
  }

  #value(depth: number): unknown {
    const random = this.#random;
    const numbers = [0, -1, 1, 256, 2 ** 31, 2 ** 53 - 1, 2n ** 64n - 1n, -(2n ** 64n), 0.5];
    const values: (() => unknown)[] = [
      () => random.pick(numbers),
      () => random.bytes(random.below(40)),
      () => random.pick(['', 'x', 'storage', '\0', '𝄞', 'x'.repeat(2000)]),
      () => random.pick([null, true, false]),
      () => new Set(Array.from({ length: random.below(300) }, (_, index) => index - random.below(2))),
    ];
    if (depth < 3) {
      values.push(() => Array.from({ length: random.below(6) }, () => this.#value(depth + 1)));
      values.push(
        () => new Map(Array.from({ length: random.below(4) }, (_, index) => [index, this.#value(depth + 1)])),
      );
    }
    return random.pick(values)();
  }

  #wrongHeader(right: Hostile): Hostile {
    const random = this.#random;
    const text = () =>
      random.pick([
        '',
        ' ',
        ',',
        '\t\t',
        'a'.repeat(random.below(30_000)),
        'bytes=0-0,5-6',
        'bytes=-1',
        'bytes=5-',
        'bytes=99999999999999999999-',
        'bytes 5-1/3',
        'bytes 0-9007199254740993/*',
        'bytes */*',
        'Tahoe-LAFS',
        'Tahoe-LAFS !!!!',
        'upload-secret',
        'upload-secret AAAA=',
        'write-enabler AAAA',
        `lease-renew-secret ${'A'.repeat(8_000)}`,
        'application/cbor;q=nonsense',
        `${'*/*,'.repeat(1000)}*/*`,
        'text/html',
        Array.from({ length: 20 }, () => String.fromCharCode(33 + random.below(200)))
          .join('')
          .replaceAll(/[\x7f-\x9f]/g, '~'),
      ]);
    const names = [
      'Authorization',
      'Accept',
      'Content-Type',
      'X-Tahoe-Authorization',
      'Content-Range',
      'Range',
    ];
    const name = random.pick(names);
    const without = right.headers.filter(([each]) => each !== name);
    return random.pick([
      () => ({ ...right, headers: without }),
      () => ({ ...right, headers: [...without, [name, text()] as const] }),
      () => ({ ...right, headers: [...right.headers, [name, text()] as const] }),
      () => ({
        ...right,
        headers: [...right.headers, ...Array.from({ length: random.below(300) }, () => [name, 'x'] as const)],
      }),
      () => ({
        ...right,
        headers: [...right.headers, ['Expect', random.pick(['100-continue', 'wonders'])] as const],
      }),
    ])();
  }

  #wrongPath(right: Hostile): Hostile {
    const random = this.#random;
    const { path } = right;
    return {
      ...right,
      path: random.pick([
        () => path.replaceAll(/[a-z2-7]{26}/g, () => 'a'.repeat(random.below(60))),
        () => path.replaceAll(/[a-z2-7]{26}/g, (index) => index.toUpperCase()),
        () =>
          path.replaceAll(/[a-z2-7]{26}/g, () =>
            random.pick(['..', '%2e%2e', '..%2f..%2f', '%00', '%ff%fe', '....']),
          ),
        () =>
          path.replace(
            /\/\d+/,
            random.pick(['/-1', '/01', '/4294967296', '/1e3', '/%31', '/999999999999999999999', '/0x1']),
          ),
        () => `${path}/`,
        () => `${path}?${'x=1&'.repeat(random.below(500))}`,
        () => `${path}#there`,
        () => `/${random.bytes(20).toString('hex')}`,
        () => '*',
        () => `//${path}`,
        () => `https://elsewhere.example${path}`,
        () => `/${'a/'.repeat(random.below(3000))}`,
      ])(),
    };
  }

  #wrongMethod(right: Hostile): Hostile {
    return {
      ...right,
      method: this.#random.pick([
        'HEAD',
        'DELETE',
        'OPTIONS',
        'TRACE',
        'PUT',
        'GET',
        'POST',
        'PATCH',
        'PROPFIND',
      ]),
    };
  }
}

/** Sends a request as it stands, over a connection of its own, and gives the status; 0 where there is no answer. */
async function send({ method, path, headers, body }: Hostile): Promise<number> {
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
    const attacker = new Attacker(seed);
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
