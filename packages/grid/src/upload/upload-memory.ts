import {
  type EncodingGeometry,
  encodingGeometry,
  hashSize,
  immutableShareLayout,
  uriExtensionLength,
} from '@holdfast/lafs';
import { TransferMemory } from '../memory/transfer-memory.js';
import { segmentsHeld } from './encoded-segments.js';
import { shareUploadMemory } from './share-upload.js';
import { spoolMemory, tightSizes } from './spool.js';
import type { EncodingParameters } from './upload-file.js';

/** Sizes of what an upload sends, in bytes. */
export interface UploadSizes {
  /** One whole share. */
  readonly shareSize: number;
  /** The largest part of a share that is put down in one place. */
  readonly largestPart: number;
}

/**
 * How large the shares of a file are, and the parts that they are made in.
 *
 * @param shareSize of a file that is encoded already; other programs may have put more into its shares
 */
export function uploadSizes(geometry: EncodingGeometry, shareSize = newShareSize(geometry)): UploadSizes {
  // The shares of a file of one segment go out whole, with all that belongs to them.
  return {
    shareSize,
    largestPart: Math.max(geometry.blockSize, geometry.segmentCount === 1 ? shareSize : 0),
  };
}

function newShareSize(geometry: EncodingGeometry): number {
  return immutableShareLayout({ geometry, uriExtensionLength: uriExtensionLength(geometry) }).size;
}

/** Bytes of memory that encoding and sending a file takes at most, without the file itself. */
export function uploadMemory(geometry: EncodingGeometry): number {
  const { total, segmentCount, segmentSize } = geometry;
  // And the ciphertext of one.
  const segments = (segmentsHeld(segmentCount) + 1) * segmentSize;
  return segments + sharesMemory(geometry, uploadSizes(geometry), { made: total, sent: total });
}

/** Bytes of memory that shares of a file take at most while so many are made, and so many of these sent. */
export function sharesMemory(
  { blockSize, segmentCount }: EncodingGeometry,
  { shareSize, largestPart }: UploadSizes,
  { made, sent }: { readonly made: number; readonly sent: number },
): number {
  const buffers = sent * shareUploadMemory(shareSize, largestPart) + (made - sent) * blockSize;
  // A tree has two nodes a leaf.
  const hashes = (made + 1) * 2 * hashSize * segmentCount;
  return buffers + hashes;
}

/** Segments of the file that a budget is measured with: the hashes of so many are small beside the rest. */
const usualSegments = 1_000;

/** The least budget of memory with which files can be stored in some encoding, in bytes. */
export function leastMemoryFor(encoding: EncodingParameters): number {
  const { maximumSegmentSize } = encoding;
  const size = usualSegments * maximumSegmentSize;
  return TransferMemory.leastFor({
    receiving: spoolMemory(tightSizes, size),
    working: uploadMemory(encodingGeometry({ ...encoding, size })),
  });
}
