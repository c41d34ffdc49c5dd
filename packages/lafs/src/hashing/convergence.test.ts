import { describe, expect, test } from 'vitest';
import { parseCapability } from '../capabilities/parse-capability.js';
import { encodingGeometry } from '../immutable/encoding-geometry.js';
import { fromHex, readFixture, stream, toHex } from '../testing/fixtures.js';
import { convergenceHasher } from './convergence.js';

const { convergence } = readFixture<{
  convergence: {
    required: number;
    total: number;
    segmentSize: number;
    size: number;
    secret: string;
    key: string;
  }[];
}>('hashes.json');

test.each(convergence)('convergent key: $required-of-$total, $size bytes', (each) => {
  const hasher = convergenceHasher(each, fromHex(each.secret));
  expect(toHex(hasher.update(stream('file', each.size)).digest())).toBe(each.key);
});

interface Vector {
  readonly seed: string;
  readonly length: number;
  readonly convergence: string;
  readonly required: number;
  readonly total: number;
  readonly maximumSegmentSize: number;
  readonly capability: string;
}

describe("the peer's own capability vectors", () => {
  const { vectors } = readFixture<{ vectors: Vector[] }>('chk-vectors.json');
  const files = new Map<string, Uint8Array>();

  function file({ seed, length }: Vector): Uint8Array {
    const name = `${seed} ${length}`;
    const data = files.get(name) ?? Buffer.alloc(length, Buffer.from(seed, 'base64'));
    files.set(name, data);
    return data;
  }

  test.each(vectors)('$length bytes, $required-of-$total', (vector) => {
    const capability = parseCapability(vector.capability);
    if (capability.kind !== 'CHK') throw new Error('expected an immutable file');
    const geometry = encodingGeometry({ ...vector, size: vector.length });
    const hasher = convergenceHasher(geometry, Buffer.from(vector.convergence, 'base64'));
    expect(toHex(hasher.update(file(vector)).digest())).toBe(toHex(capability.key));
    expect(capability).toMatchObject({
      required: vector.required,
      total: vector.total,
      size: vector.length,
    });
  });
});
