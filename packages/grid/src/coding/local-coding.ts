import type { EncodingGeometry } from '@holdfast/lafs';
import type { Coding } from './coding.js';
import { SegmentEncoder } from './segment-encoder.js';

/** Does the work where it is asked for. */
export const localCoding: Coding = {
  encode: (geometry: EncodingGeometry, key: Uint8Array | undefined) => new SegmentEncoder(geometry, key),
  buffer: (size) => Buffer.allocUnsafeSlow(size),
};
