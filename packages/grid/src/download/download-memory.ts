import {
  type ChkCapability,
  type EncodingGeometry,
  largestWholeShare,
  longestShareHeader,
} from '@holdfast/lafs';
import { leafHashesMemory } from './leaf-hashes.js';

/** Room for hash trees and the URI extension block in that guess. */
const expectedOverhead = 4 * 1024;
/** Read beyond the start of the URI extension block, which does not say its length before it is read. */
export const longestUriExtension = 8 * 1024;

/** Ciphertext that is fetched ahead of the taker, in bytes; at least two segments and at most sixteen. */
const fetchedAhead = 4 * 1024 * 1024;

/** Whether a file's shares are expected to be so small that each is read whole in one request. */
export function hasSmallShares(capability: ChkCapability): boolean {
  return expectedShareSize(capability) <= largestWholeShare;
}

/** Bytes of a share that are read first, to open it. */
export function firstReadOf(capability: ChkCapability): number {
  return hasSmallShares(capability) ? expectedShareSize(capability) : longestShareHeader;
}

function expectedShareSize({ size, required }: ChkCapability): number {
  return Math.ceil(size / required) + expectedOverhead;
}

/**
 * Most bytes of hashes that are read to open a share, before anything says that they are good: two trees of 64 bytes a
 * segment, or of large trees the top, and a chain; for a small file no more than small segments would have.
 */
export function mostHashes(size: number): number {
  return Math.min(64 * 1024 + Math.ceil(size / 4), 160 * 1024 + Math.ceil(size / 4096));
}

/** How many segments are fetched ahead of the taker, where there is memory for it. */
export function segmentsAhead({ segmentSize, segmentCount }: EncodingGeometry): number {
  return Math.min(segmentCount, 16, Math.max(2, Math.ceil(fetchedAhead / segmentSize)));
}

/** How many of the segments ahead are begun together at most, so that their blocks of a share come in one answer. */
export function readTogether(ahead: number): number {
  return Math.max(1, Math.floor(ahead / 2));
}

/** Bytes of memory that opening the shares of a file takes at most. */
export function openingMemory(capability: ChkCapability): number {
  const { required, total, size } = capability;
  // Small shares may come whole from every server that has some.
  if (hasSmallShares(capability)) return total * firstReadOf(capability);
  return required * (longestUriExtension + mostHashes(size));
}

/**
 * Bytes of memory that an open file and one reading of it take at most: the segments on their way, those decoded whose
 * blocks are held because they came in one answer with those of others, two copied to be decoded (see `SegmentFetcher`),
 * one that is decoded and one that is being sent, and what stays of each share from its opening.
 *
 * @param ahead how many segments are fetched ahead of the taker
 */
export function readingMemory(capability: ChkCapability, geometry: EncodingGeometry, ahead: number): number {
  const segments = ahead + segmentsBeside(geometry, ahead) + 2;
  return segments * geometry.segmentSize + keptOfShares(capability, geometry);
}

/**
 * As `readingMemory`, for whoever encodes the ciphertext again: of each segment on its way, and of two that are being encoded, the
 * blocks and as much again that is worked out of them.
 */
export function readingToEncodeMemory(
  capability: ChkCapability,
  geometry: EncodingGeometry,
  ahead: number,
): number {
  const segments = 2 * Math.min(geometry.segmentCount, ahead + 2) + segmentsBeside(geometry, ahead);
  return segments * geometry.segmentSize + keptOfShares(capability, geometry);
}

function segmentsBeside({ segmentCount }: EncodingGeometry, ahead: number): number {
  const held = Math.max(0, readTogether(ahead) - 1);
  const copied = segmentCount > 1 ? Math.min(ahead, 2) : 0;
  return held + copied;
}

function keptOfShares(capability: ChkCapability, { segmentCount }: EncodingGeometry): number {
  return (capability.required + 1) * leafHashesMemory(segmentCount) + openingMemory(capability);
}
