import {
  encodeAllocateRequest,
  encodeCbor,
  encodeReadTestWriteRequest,
  formatAuthorization,
  type RouteName,
  storageRoutes,
} from '@holdfast/lafs';
import { Seeded } from './seeded.js';

/** A request as it goes out. */
export interface HostileRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

const routes = Object.entries(storageRoutes) as [RouteName, (typeof storageRoutes)[RouteName]][];

/** Makes requests that are wrong in at least one way; most are right in all the others, so that they get far. */
export class Attacker {
  readonly #random: Seeded;
  readonly #swissnum: string;

  /** @param swissnum the credential, which most of the requests have */
  constructor(seed: number, swissnum: string) {
    this.#random = new Seeded(seed);
    this.#swissnum = swissnum;
  }

  next(): HostileRequest {
    const random = this.#random;
    const [name, route] = random.pick(routes);
    const address = { storageIndex: random.bytes(16), shareNumber: random.below(5) };
    const right: HostileRequest = {
      method: route.method,
      path: (route.path as (parameters: object) => string)(address),
      headers: [
        ['Authorization', formatAuthorization(this.#swissnum)],
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

  #wrongBody(right: HostileRequest): HostileRequest {
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

  #wrongHeader(right: HostileRequest): HostileRequest {
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

  #wrongPath(right: HostileRequest): HostileRequest {
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

  #wrongMethod(right: HostileRequest): HostileRequest {
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
