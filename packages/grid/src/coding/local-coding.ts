import type { Coding } from './coding.js';
import { SegmentDecoder } from './segment-decoder.js';
import { SegmentEncoder } from './segment-encoder.js';

/** Does the work where it is asked for. */
export const localCoding: Coding = {
  encode: (geometry, key, shares) => new SegmentEncoder(geometry, key, shares),
  decode: (geometry, key) => new SegmentDecoder(geometry, key),
  buffer: (size) => Buffer.allocUnsafeSlow(size),
};
