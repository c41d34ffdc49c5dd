import { type ContainerVersion, newestContainerVersion } from './container-version.js';
import { MalformedContainerError } from './errors.js';
import {
  encodeMutableLeaseRecord,
  type MutableLeaseRecord,
  mutableLeaseRecordSize,
  nodeIdSize,
  parseMutableLeaseRecords,
} from './mutable-lease-record.js';

/*
 * The file that a storage server keeps a mutable share in (mutable.rst, "Server Storage Protocol"; version 2 seen from
 * files that Tahoe-LAFS 1.20 wrote). Big-endian:
 *
 *    0   32   magic, which tells the version
 *   32   20   id of the node that the write enabler was made for
 *   52   32   write enabler, in the clear in both versions
 *   84    8   bytes of data
 *   92    8   where the extra leases begin
 *  100  368   four leases, 92 bytes each; one with owner 0 is empty
 *  468        data, and after it perhaps bytes that were data once
 *    …    4   number of extra leases, then 92 bytes for each
 *
 * Version 2 differs in that lease secrets are hashed.
 */

/** Bytes before the data. */
export const mutableHeaderSize = 468;

/** Size of a write enabler, in bytes. */
export const writeEnablerSize = 32;

const nodeIdAt = 32;
const writeEnablerAt = 52;
const dataSizeAt = 84;
const extraLeasesOffsetAt = 92;
const leasesAt = 100;
const leasesInHeader = 4;

const magics: Readonly<Record<ContainerVersion, Buffer>> = {
  1: Buffer.from('Tahoe mutable container v1\n\x75\x09\x44\x03\x8e', 'latin1'),
  2: Buffer.from('Tahoe mutable container v2\n\xc3\x55\x21\x99\x25', 'latin1'),
};

/** What a mutable container's header tells. */
export interface MutableContainerLayout {
  readonly version: ContainerVersion;
  /** 20 bytes: the server that the write enabler was made for. */
  readonly nodeId: Uint8Array;
  /** 32 bytes, a secret. */
  readonly writeEnabler: Uint8Array;
  /** Where the data begins, in bytes from the start of the file. */
  readonly dataOffset: number;
  /** Bytes of data. */
  readonly dataSize: number;
  /** Where the number of the extra leases stands, and after it these leases, up to the end of the file. */
  readonly extraLeasesOffset: number;
  /** The leases in the header. */
  readonly leases: readonly MutableLeaseRecord[];
}

/** What both magics, and those of versions to come, begin with: as long as the header of an immutable container. */
const mark = Buffer.from('Tahoe mutabl');

/**
 * Whether a file is a mutable container of some version, known here or not.
 *
 * @param header the first 12 bytes of the file, or more
 */
export function isMutableContainer(header: Uint8Array): boolean {
  return mark.equals(header.subarray(0, mark.length));
}

/** A mutable container but for its data: what stands before the data, and what follows it. */
export function encodeMutableContainer(fields: {
  /** Bytes of data. */
  readonly dataSize: number;
  readonly nodeId: Uint8Array;
  readonly writeEnabler: Uint8Array;
  readonly leases: readonly MutableLeaseRecord[];
  readonly version?: ContainerVersion;
}): { readonly header: Uint8Array; readonly trailer: Uint8Array } {
  const { dataSize, nodeId, writeEnabler, leases, version = newestContainerVersion } = fields;
  if (nodeId.length !== nodeIdSize || writeEnabler.length !== writeEnablerSize) {
    throw new RangeError('a node id has 20 bytes, a write enabler 32');
  }
  const header = Buffer.alloc(mutableHeaderSize);
  header.set(magics[version], 0);
  header.set(nodeId, nodeIdAt);
  header.set(writeEnabler, writeEnablerAt);
  header.writeBigUInt64BE(BigInt(dataSize), dataSizeAt);
  header.writeBigUInt64BE(BigInt(mutableHeaderSize + dataSize), extraLeasesOffsetAt);
  const extra = Math.max(0, leases.length - leasesInHeader);
  const trailer = Buffer.alloc(4 + extra * mutableLeaseRecordSize);
  trailer.writeUInt32BE(extra, 0);
  for (const [index, lease] of leases.entries()) {
    const record = encodeMutableLeaseRecord(lease);
    if (index < leasesInHeader) header.set(record, leasesAt + index * mutableLeaseRecordSize);
    else trailer.set(record, 4 + (index - leasesInHeader) * mutableLeaseRecordSize);
  }
  return { header, trailer };
}

/** Bytes of a container with so many bytes of data and so many leases. */
export function mutableContainerSize(dataSize: number, leaseCount: number): number {
  return mutableHeaderSize + dataSize + 4 + Math.max(0, leaseCount - leasesInHeader) * mutableLeaseRecordSize;
}

/**
 * Reads a mutable container's header.
 *
 * @param header the first 468 bytes of the file, or more
 * @param fileSize bytes of the whole file
 * @throws MalformedContainerError
 */
export function parseMutableHeader(header: Uint8Array, fileSize: number): MutableContainerLayout {
  if (header.length < mutableHeaderSize || fileSize < mutableContainerSize(0, 0)) {
    throw new MalformedContainerError(
      'too-short',
      `a header of ${mutableHeaderSize} bytes, and 4 after the data`,
    );
  }
  const version = ([1, 2] as const).find((each) => magics[each].equals(header.subarray(0, nodeIdAt)));
  if (!version) {
    throw new MalformedContainerError('unknown-version', 'a mutable container of version 1 or 2');
  }
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const dataSize = view.getBigUint64(dataSizeAt);
  const extraLeasesOffset = view.getBigUint64(extraLeasesOffsetAt);
  if (extraLeasesOffset < BigInt(mutableHeaderSize) + dataSize || extraLeasesOffset + 4n > BigInt(fileSize)) {
    throw new MalformedContainerError('data-does-not-fit', 'a file that has room for its data');
  }
  return {
    version,
    nodeId: header.slice(nodeIdAt, writeEnablerAt),
    writeEnabler: header.slice(writeEnablerAt, dataSizeAt),
    dataOffset: mutableHeaderSize,
    dataSize: Number(dataSize),
    extraLeasesOffset: Number(extraLeasesOffset),
    leases: parseMutableLeaseRecords(header.subarray(leasesAt, mutableHeaderSize), leasesInHeader),
  };
}

/**
 * Reads the leases that found no room in the header.
 *
 * @param trailer the file from `extraLeasesOffset` on
 * @throws MalformedContainerError where there are fewer than it says
 */
export function parseExtraLeases(trailer: Uint8Array): MutableLeaseRecord[] {
  if (trailer.length < 4) throw new MalformedContainerError('too-short', 'the number of extra leases');
  const count = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength).getUint32(0);
  return parseMutableLeaseRecords(trailer.subarray(4), count);
}
