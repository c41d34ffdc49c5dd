import { decodeCbor, encodeCbor } from './cbor.js';
import { UnexpectedMessageError } from './errors.js';
import { MessageFields } from './message-fields.js';

/*
 * The messages of http-storage-node-protocol.rst, "Mutable". Each `decode…` throws MessageTooLargeError,
 * MalformedCborError or UnexpectedMessageError. Offsets and sizes past 2⁵³ − 1, where no share has data, are read as
 * that.
 */

/** Most test vectors of a share, and most read vectors of a request. */
export const maximumTestVectors = 30;

/** Bytes to be read of every share of a slot. */
export interface ReadVector {
  readonly offset: number;
  readonly size: number;
}

/** Bytes of a share as they must be. What lies past its end, or in a share that is not there, is empty. */
export interface TestVector extends ReadVector {
  readonly specimen: Uint8Array;
}

/** Bytes to be written into a share. */
export interface WriteVector {
  readonly offset: number;
  readonly data: Uint8Array;
}

/** What is to become of one share, if the tests of all shares hold. */
export interface ShareChange {
  readonly test: readonly TestVector[];
  /** Done in this order. A gap that they leave past the end is filled with zeros. */
  readonly write: readonly WriteVector[];
  /** Bytes to which the share is cut after the writes, if it has more; 0 deletes it. */
  readonly newLength: number | null;
}

/** What a client wants of a slot (`POST /storage/v1/mutable/:storage_index/read-test-write`). */
export interface ReadTestWriteRequest {
  /** By share number. */
  readonly changes: ReadonlyMap<number, ShareChange>;
  readonly read: readonly ReadVector[];
}

export function encodeReadTestWriteRequest({ changes, read }: ReadTestWriteRequest): Uint8Array {
  return encodeCbor({
    'test-write-vectors': new Map(
      [...changes].map(([shareNumber, { test, write, newLength }]) => [
        shareNumber,
        {
          test: test.map(({ offset, size, specimen }) => ({ offset, size, specimen })),
          write: write.map(({ offset, data }) => ({ offset, data })),
          'new-length': newLength,
        },
      ]),
    ),
    'read-vector': read.map(({ offset, size }) => ({ offset, size })),
  });
}

/** @param limit most bytes to look at */
export function decodeReadTestWriteRequest(bytes: Uint8Array, limit?: number): ReadTestWriteRequest {
  const kind = 'read-test-write request';
  const fields = new MessageFields(kind, decodeCbor(bytes, limit));
  fields.only('test-write-vectors', 'read-vector');
  return {
    changes: fields.byShareNumber('test-write-vectors', (value, path) =>
      readChange(new MessageFields(kind, value, path)),
    ),
    read: fields
      .maps('read-vector', maximumTestVectors)
      .map((vector) => readVector(vector.only('offset', 'size'))),
  };
}

/** What became of it. */
export interface ReadTestWriteAnswer {
  /** Whether all tests held; if so, everything is written, else nothing. */
  readonly success: boolean;
  /** What was read of each share of the slot, as it was before: one for each read vector. */
  readonly data: ReadonlyMap<number, readonly Uint8Array[]>;
}

export function encodeReadTestWriteAnswer({ success, data }: ReadTestWriteAnswer): Uint8Array {
  return encodeCbor({ success, data });
}

/** @param limit most bytes to look at */
export function decodeReadTestWriteAnswer(bytes: Uint8Array, limit?: number): ReadTestWriteAnswer {
  const kind = 'read-test-write answer';
  const fields = new MessageFields(kind, decodeCbor(bytes, limit));
  return {
    success: fields.boolean('success'),
    data: fields.byShareNumber('data', (value, path) => {
      if (Array.isArray(value) && value.every((item) => item instanceof Uint8Array)) return value;
      throw new UnexpectedMessageError(kind, path, 'an array of byte strings');
    }),
  };
}

function readChange(fields: MessageFields): ShareChange {
  fields.only('test', 'write', 'new-length');
  const newLength = fields.unsignedOrNull('new-length');
  return {
    test: fields.maps('test', maximumTestVectors).map((vector) => ({
      ...readVector(vector.only('offset', 'size', 'specimen')),
      specimen: vector.bytes('specimen'),
    })),
    write: fields.maps('write').map((vector) => ({
      offset: safe(vector.only('offset', 'data').unsigned('offset')),
      data: vector.bytes('data'),
    })),
    newLength: newLength === null ? null : safe(newLength),
  };
}

function readVector(fields: MessageFields): ReadVector {
  return { offset: safe(fields.unsigned('offset')), size: safe(fields.unsigned('size')) };
}

function safe(value: bigint): number {
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}
