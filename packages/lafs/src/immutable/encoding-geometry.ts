/** Most shares of one file: the erasure code works over 256 elements. */
export const maximumTotalShares = 256;

/** More segments than this are refused: no file needs them, and hash trees count in 32 bits. */
const maximumSegmentCount = 2 ** 30;

/** Encoding parameters that cannot be. `field` is the one at fault. */
export class EncodingParameterError extends Error {
  override readonly name = 'EncodingParameterError';
  readonly code = 'encoding-parameter';

  constructor(
    readonly field: 'size' | 'required' | 'total' | 'segmentSize',
    readonly value: number,
    expected: string,
  ) {
    super(`encoding: ${field} is ${value}, expected ${expected}`);
  }
}

/** How a file of a certain size is cut into segments, blocks and shares. All sizes are in bytes. */
export interface EncodingGeometry {
  /** The file. */
  readonly size: number;
  /** k, blocks that make a segment again. */
  readonly required: number;
  /** n, blocks made of each segment, one for each share. */
  readonly total: number;
  /** A segment as it is coded, a multiple of k. The last one may hold less. */
  readonly segmentSize: number;
  readonly segmentCount: number;
  /** A block of every segment but the last: segmentSize / k. */
  readonly blockSize: number;
  /** Data in the last segment: 1 … segmentSize. */
  readonly tailSegmentSize: number;
  /** The last segment as it is coded: filled up with zeros to a multiple of k. */
  readonly paddedTailSegmentSize: number;
  /** A block of the last segment. */
  readonly tailBlockSize: number;
  /** All blocks of one share. */
  readonly shareDataSize: number;
}

/**
 * The geometry with which a client encodes a file. The segment size is the smaller of file and maximum,
 * rounded up to a multiple of k; this rounded number also enters the convergent key.
 *
 * @throws {@link EncodingParameterError}; also for an empty file, which has no segments: it is a literal
 */
export function encodingGeometry(parameters: {
  readonly size: number;
  readonly required: number;
  readonly total: number;
  readonly maximumSegmentSize: number;
}): EncodingGeometry {
  const { size, required, total, maximumSegmentSize } = parameters;
  checkShares(required, total);
  checkCount('size', size, 'at least 1 byte: an empty file is a literal');
  checkCount('segmentSize', maximumSegmentSize, 'at least 1 byte');
  const segmentSize = roundUp(Math.min(maximumSegmentSize, size), required);
  return geometryOfSegments({ size, required, total, segmentSize });
}

/**
 * The geometry of a file that is already encoded, from the segment size in its URI extension block.
 *
 * @throws {@link EncodingParameterError}
 */
export function geometryOfSegments(parameters: {
  readonly size: number;
  readonly required: number;
  readonly total: number;
  readonly segmentSize: number;
}): EncodingGeometry {
  const { size, required, total, segmentSize } = parameters;
  checkShares(required, total);
  checkCount('size', size, 'at least 1 byte: an empty file is a literal');
  checkCount('segmentSize', segmentSize, 'at least 1 byte');
  if (segmentSize % required !== 0) {
    throw new EncodingParameterError('segmentSize', segmentSize, `a multiple of ${required}`);
  }
  const segmentCount = divideUp(size, segmentSize);
  if (segmentCount > maximumSegmentCount) {
    throw new EncodingParameterError('segmentSize', segmentSize, `at most ${maximumSegmentCount} segments`);
  }
  const tailSegmentSize = size - (segmentCount - 1) * segmentSize;
  const paddedTailSegmentSize = roundUp(tailSegmentSize, required);
  const blockSize = segmentSize / required;
  const tailBlockSize = paddedTailSegmentSize / required;
  return {
    size,
    required,
    total,
    segmentSize,
    segmentCount,
    blockSize,
    tailSegmentSize,
    paddedTailSegmentSize,
    tailBlockSize,
    shareDataSize: (segmentCount - 1) * blockSize + tailBlockSize,
  };
}

/** Bytes of data in one segment, without padding. */
export function segmentDataSize(geometry: EncodingGeometry, segment: number): number {
  return isTail(geometry, segment) ? geometry.tailSegmentSize : geometry.segmentSize;
}

/** Bytes of one segment's block. */
export function blockSizeOf(geometry: EncodingGeometry, segment: number): number {
  return isTail(geometry, segment) ? geometry.tailBlockSize : geometry.blockSize;
}

function isTail(geometry: EncodingGeometry, segment: number): boolean {
  if (!Number.isInteger(segment) || segment < 0 || segment >= geometry.segmentCount) {
    throw new RangeError(`a file of ${geometry.segmentCount} segments has no segment ${segment}`);
  }
  return segment === geometry.segmentCount - 1;
}

function checkShares(required: number, total: number): void {
  if (!Number.isInteger(total) || total < 1 || total > maximumTotalShares) {
    throw new EncodingParameterError('total', total, `1 to ${maximumTotalShares} shares`);
  }
  if (!Number.isInteger(required) || required < 1 || required > total) {
    throw new EncodingParameterError('required', required, `1 to ${total} shares`);
  }
}

function checkCount(field: 'size' | 'segmentSize', value: number, expected: string): void {
  if (!Number.isSafeInteger(value) || value < 1) throw new EncodingParameterError(field, value, expected);
}

/** ⌈dividend / divisor⌉, exact for all safe integers. */
function divideUp(dividend: number, divisor: number): number {
  const rest = dividend % divisor;
  return (dividend - rest) / divisor + (rest === 0 ? 0 : 1);
}

function roundUp(value: number, multipleOf: number): number {
  return divideUp(value, multipleOf) * multipleOf;
}
