import { type ContainerVersion, newestContainerVersion } from './container-version.js';
import { MalformedContainerError } from './errors.js';
import { leaseRecordSize } from './lease-record.js';
import { isMutableContainer } from './mutable-container.js';

/*
 * The file that a storage server keeps an immutable share in, as Tahoe-LAFS 1.20 writes it (seen from files that it
 * wrote; its documents do not describe it). Three parts follow each other:
 *
 *   header   12 bytes: u32 version (1 or 2), u32 size of the data, u32 number of leases; big-endian
 *   data     what clients read and write
 *   leases   72 bytes each, see lease-record.ts
 *
 * The size in the header ends at 2³² − 1 and is not to be believed: the data ends where the leases, counted back from
 * the end of the file, begin. Version 2 differs in that lease secrets are hashed.
 */

/** Bytes before the data. */
export const containerHeaderSize = 12;

const saturated = 0xffff_ffff;

/** What a container's header and length tell. */
export interface ContainerLayout {
  readonly version: ContainerVersion;
  readonly leaseCount: number;
  /** Where the data begins, in bytes from the start of the file. */
  readonly dataOffset: number;
  /** Bytes of data. */
  readonly dataSize: number;
  /** Where the leases begin. */
  readonly leasesOffset: number;
}

/** The 12 bytes of a header. `dataSize` is bytes. */
export function encodeContainerHeader(fields: {
  readonly dataSize: number;
  readonly leaseCount: number;
  readonly version?: ContainerVersion;
}): Uint8Array {
  const header = Buffer.alloc(containerHeaderSize);
  header.writeUInt32BE(fields.version ?? newestContainerVersion, 0);
  header.writeUInt32BE(Math.min(fields.dataSize, saturated), 4);
  header.writeUInt32BE(fields.leaseCount, 8);
  return header;
}

/** Bytes of a container with so many bytes of data and so many leases. */
export function containerSize(dataSize: number, leaseCount: number): number {
  return containerHeaderSize + dataSize + leaseCount * leaseRecordSize;
}

/**
 * Reads a container's header.
 *
 * @param header the first 12 bytes of the file, or more
 * @param fileSize bytes of the whole file
 * @throws MalformedContainerError
 */
export function parseContainerHeader(header: Uint8Array, fileSize: number): ContainerLayout {
  if (header.length < containerHeaderSize || fileSize < containerHeaderSize) {
    throw new MalformedContainerError('too-short', `a header of ${containerHeaderSize} bytes`);
  }
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const version = view.getUint32(0);
  if (version !== 1 && version !== 2) {
    if (isMutableContainer(header)) throw new MalformedContainerError('other-kind', 'an immutable container');
    throw new MalformedContainerError('unknown-version', 'an immutable container of version 1 or 2');
  }
  const leaseCount = view.getUint32(8);
  const dataSize = fileSize - containerSize(0, leaseCount);
  if (dataSize < 0)
    throw new MalformedContainerError('leases-do-not-fit', 'a file that has room for its leases');
  return {
    version,
    leaseCount,
    dataOffset: containerHeaderSize,
    dataSize,
    leasesOffset: containerHeaderSize + dataSize,
  };
}
