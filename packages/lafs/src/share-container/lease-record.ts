import { timingSafeEqual } from 'node:crypto';
import { blake2b256 } from './blake2b.js';
import type { ContainerVersion } from './container-version.js';
import { MalformedContainerError } from './errors.js';

/** Bytes of a lease in an immutable container: u32 owner, 32 renew, 32 cancel, u32 seconds; big-endian. */
export const leaseRecordSize = 72;

/** A lease as it stands in a container. */
export interface LeaseRecord {
  /** 0 where nobody in particular owns it. */
  readonly owner: number;
  /** 32 bytes: the secret itself in version 1, its hash in version 2. */
  readonly renewSecret: Uint8Array;
  /** As `renewSecret`. */
  readonly cancelSecret: Uint8Array;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** What a container of this version keeps of a lease secret: version 2 only a hash (BLAKE2b, 32 bytes, no key). */
export function storedLeaseSecret(secret: Uint8Array, version: ContainerVersion): Uint8Array {
  return version === 1 ? secret : blake2b256(secret);
}

/** Whether `secret`, as a client sends it, is the one that was stored. Takes the same time whatever the answer. */
export function matchesLeaseSecret(
  stored: Uint8Array,
  secret: Uint8Array,
  version: ContainerVersion,
): boolean {
  const candidate = storedLeaseSecret(secret, version);
  return candidate.length === stored.length && timingSafeEqual(candidate, stored);
}

/** The 72 bytes of a lease. Its secrets are written as given: see `storedLeaseSecret`. */
export function encodeLeaseRecord({ owner, renewSecret, cancelSecret, expiresAt }: LeaseRecord): Uint8Array {
  if (renewSecret.length !== 32 || cancelSecret.length !== 32) {
    throw new RangeError('a lease secret has 32 bytes');
  }
  const record = Buffer.alloc(leaseRecordSize);
  record.writeUInt32BE(owner, 0);
  record.set(renewSecret, 4);
  record.set(cancelSecret, 36);
  record.writeUInt32BE(Math.min(Math.floor(expiresAt), 0xffff_ffff), 68);
  return record;
}

/**
 * Reads the leases of a container.
 *
 * @param bytes the file from its first lease on
 * @throws MalformedContainerError where there are fewer than `count`
 */
export function parseLeaseRecords(bytes: Uint8Array, count: number): LeaseRecord[] {
  if (bytes.length < count * leaseRecordSize) {
    throw new MalformedContainerError('leases-do-not-fit', `${count} leases of ${leaseRecordSize} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, index) => {
    const at = index * leaseRecordSize;
    return {
      owner: view.getUint32(at),
      renewSecret: bytes.slice(at + 4, at + 36),
      cancelSecret: bytes.slice(at + 36, at + 68),
      expiresAt: view.getUint32(at + 68),
    };
  });
}
