import { MalformedContainerError } from './errors.js';
import type { LeaseRecord } from './lease-record.js';

/**
 * Bytes of a lease in a mutable container: u32 owner, u32 seconds, 32 renew, 32 cancel, 20 node id; big-endian
 * (mutable.rst, "Server Storage Protocol").
 */
export const mutableLeaseRecordSize = 92;

/** Size of a node id: that of the SHA-1 in a FURL's tub id. */
export const nodeIdSize = 20;

/** A lease as it stands in a mutable container. */
export interface MutableLeaseRecord extends LeaseRecord {
  /** Never 0, which marks an empty slot; the peer writes 1. */
  readonly owner: number;
  /** 20 bytes: the server that the secrets were made for. */
  readonly nodeId: Uint8Array;
}

/** The 92 bytes of a lease. Its secrets are written as given: see `storedLeaseSecret`. */
export function encodeMutableLeaseRecord(lease: MutableLeaseRecord): Uint8Array {
  const { owner, renewSecret, cancelSecret, expiresAt, nodeId } = lease;
  if (owner === 0) throw new RangeError('a lease in a mutable container has an owner');
  if (renewSecret.length !== 32 || cancelSecret.length !== 32 || nodeId.length !== nodeIdSize) {
    throw new RangeError('a lease secret has 32 bytes, a node id 20');
  }
  const record = Buffer.alloc(mutableLeaseRecordSize);
  record.writeUInt32BE(owner, 0);
  record.writeUInt32BE(Math.min(Math.floor(expiresAt), 0xffff_ffff), 4);
  record.set(renewSecret, 8);
  record.set(cancelSecret, 40);
  record.set(nodeId, 72);
  return record;
}

/**
 * Reads leases that follow each other, without the empty ones.
 *
 * @throws MalformedContainerError where there is no room for `count`
 */
export function parseMutableLeaseRecords(bytes: Uint8Array, count: number): MutableLeaseRecord[] {
  if (bytes.length < count * mutableLeaseRecordSize) {
    throw new MalformedContainerError(
      'leases-do-not-fit',
      `${count} leases of ${mutableLeaseRecordSize} bytes`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const leases: MutableLeaseRecord[] = [];
  for (let at = 0; at < count * mutableLeaseRecordSize; at += mutableLeaseRecordSize) {
    const owner = view.getUint32(at);
    if (owner === 0) continue;
    leases.push({
      owner,
      expiresAt: view.getUint32(at + 4),
      renewSecret: bytes.slice(at + 8, at + 40),
      cancelSecret: bytes.slice(at + 40, at + 72),
      nodeId: bytes.slice(at + 72, at + 92),
    });
  }
  return leases;
}
