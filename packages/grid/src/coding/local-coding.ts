import type { Coding } from './coding.js';
import { SegmentEncoder } from './segment-encoder.js';

/** Does the work where it is asked for. */
export const localCoding: Coding = {
  encode: (geometry, key, shares) => new SegmentEncoder(geometry, key, shares),
  buffer: (size) => Buffer.allocUnsafeSlow(size),
};
