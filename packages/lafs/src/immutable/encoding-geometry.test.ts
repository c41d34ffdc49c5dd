import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFixture } from '../testing/fixtures.js';
import {
  blockSizeOf,
  EncodingParameterError,
  encodingGeometry,
  geometryOfSegments,
  segmentDataSize,
} from './encoding-geometry.js';

interface Case {
  readonly size: number;
  readonly required: number;
  readonly total: number;
  readonly maximumSegmentSize: number;
  readonly segmentSize: number;
  readonly segmentCount: number;
  readonly blockSize: number;
  readonly shareDataSize: number;
  readonly tailCodecParameters: string;
}

const { cases } = readFixture<{ cases: Case[] }>('geometry.json');

test.each(cases)('geometry of the peer: $size bytes, $required-of-$total', (each) => {
  const geometry = encodingGeometry(each);
  const { segmentSize, segmentCount, blockSize, shareDataSize, required, total } = each;
  expect(geometry).toMatchObject({ segmentSize, segmentCount, blockSize, shareDataSize });
  expect(`${geometry.paddedTailSegmentSize}-${required}-${total}`).toBe(each.tailCodecParameters);
  expect(geometryOfSegments(geometry)).toEqual(geometry);
});

const anyParameters = fc.integer({ min: 1, max: 256 }).chain((total) =>
  fc.record({
    size: fc.integer({ min: 1, max: 100_000 }),
    total: fc.constant(total),
    required: fc.integer({ min: 1, max: total }),
    maximumSegmentSize: fc.integer({ min: 1, max: 5_000 }),
  }),
);

test('the pieces always add up', () => {
  fc.assert(
    fc.property(anyParameters, (parameters) => {
      const geometry = encodingGeometry(parameters);
      let data = 0;
      let blocks = 0;
      for (let segment = 0; segment < geometry.segmentCount; segment++) {
        data += segmentDataSize(geometry, segment);
        blocks += blockSizeOf(geometry, segment);
      }
      expect(data).toBe(parameters.size);
      expect(blocks).toBe(geometry.shareDataSize);
      const padding = geometry.tailBlockSize * geometry.required - geometry.tailSegmentSize;
      expect(padding).toBeGreaterThanOrEqual(0);
      expect(padding).toBeLessThan(geometry.required);
      expect(geometry.tailSegmentSize).toBeGreaterThan(0);
    }),
  );
});

test('there is no segment after the last', () => {
  const geometry = encodingGeometry({ size: 100, required: 3, total: 10, maximumSegmentSize: 30 });
  expect(segmentDataSize(geometry, 3)).toBe(10);
  expect(blockSizeOf(geometry, 3)).toBe(4);
  expect(() => segmentDataSize(geometry, 4)).toThrow(RangeError);
  expect(() => blockSizeOf(geometry, -1)).toThrow(RangeError);
});

describe('parameters that cannot be', () => {
  const good = { size: 100, required: 3, total: 10, maximumSegmentSize: 30 };
  test.each([
    ['size', { size: 0 }],
    ['size', { size: 1.5 }],
    ['size', { size: 2 ** 53 }],
    ['required', { required: 0 }],
    ['required', { required: 11 }],
    ['total', { total: 257 }],
    ['total', { total: Number.NaN }],
    ['segmentSize', { maximumSegmentSize: 0 }],
    ['segmentSize', { size: 2 ** 40 }],
  ])('%s: %j', (field, wrong) => {
    const attempt = () => encodingGeometry({ ...good, ...wrong });
    expect(attempt).toThrow(EncodingParameterError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'encoding-parameter', field }));
  });

  test('an encoded segment is a multiple of the shares needed', () => {
    expect(() => geometryOfSegments({ ...good, segmentSize: 31 })).toThrow(
      expect.objectContaining({ field: 'segmentSize', value: 31 }),
    );
  });
});
