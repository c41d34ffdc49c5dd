import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  convergenceHasher,
  encodingGeometry,
  formatCapability,
  immutableShareLayout,
  type ShareVersion,
  uriExtensionHash,
} from '@holdfast/lafs';
import { afterAll, describe, expect, it } from 'vitest';
import type { Coding } from '../coding/coding.js';
import { CodingThread } from '../coding/coding-thread.js';
import { localCoding } from '../coding/local-coding.js';
import { segmentsHeld } from './encoded-segments.js';
import { FileEncoder } from './file-encoder.js';
import { shareTail } from './share-tail.js';
import { spool } from './spool.js';
import { SpooledSegments } from './spooled-segments.js';

/** What Tahoe-LAFS 1.20 computed: see the README beside the fixtures. */
function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../lafs/fixtures/${name}`, import.meta.url), 'utf8')) as T;
}

interface Encoding {
  readonly version: ShareVersion;
  readonly size: number;
  readonly required: number;
  readonly total: number;
  readonly maximumSegmentSize: number;
  readonly convergenceSecret: string;
  readonly capability: string;
  readonly uriExtension: string;
  readonly shareSize: number;
  readonly shares: readonly { readonly sha256: string }[];
}

interface Vector {
  readonly seed: string;
  readonly length: number;
  readonly convergence: string;
  readonly required: number;
  readonly total: number;
  readonly maximumSegmentSize: number;
  readonly capability: string;
}

interface Parameters {
  readonly required: number;
  readonly total: number;
  readonly maximumSegmentSize: number;
  readonly version?: ShareVersion;
}

async function encode(coding: Coding, content: Uint8Array, secret: Uint8Array, parameters: Parameters) {
  const { required, total, maximumSegmentSize, version } = parameters;
  const geometry = encodingGeometry({ size: content.length, required, total, maximumSegmentSize });
  const key = convergenceHasher({ required, total, segmentSize: geometry.segmentSize }, secret)
    .update(content)
    .digest();
  async function* chunks() {
    yield content;
  }
  const file = await spool(chunks(), {
    dir: '/nonexistent',
    inMemory: content.length,
    writeSize: 2 ** 20,
    large: content.length,
    observeLarge: () => {
      throw new Error('the file fits into memory');
    },
  });
  let buffers = 0;
  const buffer = (size: number) => {
    buffers++;
    return coding.buffer(size);
  };
  const encoder = new FileEncoder(
    new SpooledSegments(file, geometry, buffer),
    geometry,
    coding.encode(geometry, key),
  );
  const shares = Array.from({ length: total }, () => createHash('sha256'));
  const sizes = new Array<number>(total).fill(0);
  const add = (share: number, ...parts: Uint8Array[]) => {
    for (const part of parts) {
      shares[share]?.update(part);
      sizes[share] = (sizes[share] ?? 0) + part.length;
    }
  };
  const segments: Uint8Array[][] = [];
  for await (const { blockSize, encodeInto } of encoder.segments()) {
    // Dirty rooms: whatever was in them before must not come through.
    const rooms = Array.from({ length: total }, () => coding.buffer(blockSize).fill(0xaa));
    await encodeInto(rooms);
    segments.push(rooms);
  }
  // However many segments there are: their memory is used again.
  expect(buffers).toBeLessThanOrEqual(segmentsHeld(geometry.segmentCount));
  const hashes = await encoder.finish();
  const layout = immutableShareLayout({
    geometry,
    uriExtensionLength: hashes.uriExtension.length,
    ...(version === undefined ? {} : { version }),
  });
  for (let share = 0; share < total; share++) {
    add(share, layout.header, ...segments.map((blocks) => blocks[share] as Uint8Array));
    add(share, ...shareTail(share, layout, hashes));
  }
  const capability = formatCapability({
    kind: 'CHK',
    key,
    uriExtensionHash: uriExtensionHash(hashes.uriExtension),
    required,
    total,
    size: content.length,
  });
  return { capability, sizes, layout, hashes, digests: shares.map((share) => share.digest('hex')) };
}

function stream(seed: string, size: number): Uint8Array {
  const digests: Buffer[] = [];
  for (let i = 0; i * 32 <= size; i++) digests.push(createHash('sha256').update(`${seed} ${i}`).digest());
  return Buffer.concat(digests).subarray(0, size);
}

const thread = new CodingThread();
afterAll(() => thread.close());

describe.each([
  ['in place', localCoding],
  ['on a thread', thread],
])('encoding a file %s', (_, coding) => {
  const { encodings } = fixture<{ encodings: Encoding[] }>('encodings.json');
  it.each(
    encodings.map(
      (each) => [`${each.required}-of-${each.total}, ${each.size} bytes, v${each.version}`, each] as const,
    ),
  )('gives every byte of every share that the peer gives: %s', async (_name, recorded) => {
    const secret = Buffer.from(recorded.convergenceSecret, 'hex');
    const ours = await encode(coding, stream(`file ${recorded.size}`, recorded.size), secret, recorded);
    expect(ours.capability).toBe(recorded.capability);
    expect(Buffer.from(ours.hashes.uriExtension).toString('hex')).toBe(recorded.uriExtension);
    expect(ours.sizes).toEqual(recorded.shares.map(() => recorded.shareSize));
    expect(ours.layout.size).toBe(recorded.shareSize);
    expect(ours.digests).toEqual(recorded.shares.map(({ sha256 }) => sha256));
  });

  const { vectors } = fixture<{ vectors: Vector[] }>('chk-vectors.json');
  it('gives the capability of every immutable vector that the peer publishes', async () => {
    expect(vectors.length).toBeGreaterThan(100);
    for (const vector of vectors) {
      const seed = Buffer.from(vector.seed, 'base64');
      const content = Buffer.alloc(vector.length, seed);
      const ours = await encode(coding, content, Buffer.from(vector.convergence, 'base64'), vector);
      expect(ours.capability).toBe(vector.capability);
    }
  }, 240_000);
});
