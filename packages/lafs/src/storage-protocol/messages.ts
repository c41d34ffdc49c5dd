import { decodeCbor, encodeCbor } from './cbor.js';
import { UnexpectedMessageError } from './errors.js';
import { MessageFields, shareNumberSet } from './message-fields.js';
import type { ByteRange } from './ranges.js';

/*
 * The messages of http-storage-node-protocol.rst, "General" and "Immutable". Each `decode…` throws
 * MessageTooLargeError, MalformedCborError or UnexpectedMessageError.
 */

const versionKey = 'http://allmydata.org/tahoe/protocols/storage/v1';

/** What a server says of itself (`GET /storage/v1/version`). Sizes are bytes and may pass 2⁵³. */
export interface ServerVersion {
  readonly maximumImmutableShareSize: bigint;
  readonly maximumMutableShareSize: bigint;
  readonly availableSpace: bigint;
  /** Name and version of the server's program. */
  readonly applicationVersion: string;
}

/** All keys are byte strings, as the peer sends them (its document says text). */
export function encodeServerVersion(version: ServerVersion): Uint8Array {
  const key = (text: string) => Buffer.from(text, 'latin1');
  return encodeCbor(
    new Map<Uint8Array, unknown>([
      [
        key(versionKey),
        new Map([
          [key('maximum-immutable-share-size'), version.maximumImmutableShareSize],
          [key('maximum-mutable-share-size'), version.maximumMutableShareSize],
          [key('available-space'), version.availableSpace],
        ]),
      ],
      [key('application-version'), Buffer.from(version.applicationVersion)],
    ]),
  );
}

/** Takes byte-string and text keys; other keys than the known are passed over. */
export function decodeServerVersion(bytes: Uint8Array): ServerVersion {
  const fields = new MessageFields('version', decodeCbor(bytes));
  const storage = fields.fields(versionKey);
  return {
    maximumImmutableShareSize: storage.unsigned('maximum-immutable-share-size'),
    maximumMutableShareSize: storage.unsigned('maximum-mutable-share-size'),
    availableSpace: storage.unsigned('available-space'),
    applicationVersion: Buffer.from(fields.bytes('application-version')).toString('utf8'),
  };
}

/** What a client wants to upload (`POST /storage/v1/immutable/:storage_index`). */
export interface AllocateRequest {
  readonly shareNumbers: ReadonlySet<number>;
  /** Bytes of each share. A size past 2⁵³ − 1, which no server has room for, is read as that. */
  readonly allocatedSize: number;
}

export function encodeAllocateRequest({ shareNumbers, allocatedSize }: AllocateRequest): Uint8Array {
  return encodeCbor({ 'share-numbers': shareNumbers, 'allocated-size': allocatedSize });
}

export function decodeAllocateRequest(bytes: Uint8Array): AllocateRequest {
  const fields = new MessageFields('allocate request', decodeCbor(bytes));
  fields.only('share-numbers', 'allocated-size');
  const size = Number(fields.unsigned('allocated-size'));
  return {
    shareNumbers: fields.shareNumbers('share-numbers'),
    allocatedSize: Math.min(size, Number.MAX_SAFE_INTEGER),
  };
}

/** What the server makes of it: shares it has, and shares it now waits for. What is in neither, it refuses. */
export interface AllocateAnswer {
  readonly alreadyHave: ReadonlySet<number>;
  readonly allocated: ReadonlySet<number>;
}

export function encodeAllocateAnswer({ alreadyHave, allocated }: AllocateAnswer): Uint8Array {
  return encodeCbor({ 'already-have': alreadyHave, allocated });
}

export function decodeAllocateAnswer(bytes: Uint8Array): AllocateAnswer {
  const fields = new MessageFields('allocate answer', decodeCbor(bytes));
  return { alreadyHave: fields.shareNumbers('already-have'), allocated: fields.shareNumbers('allocated') };
}

/** What is still to be written (`PATCH …/:share_number`), in order; nothing when the share is complete. */
export function encodeWriteAnswer(required: readonly ByteRange[]): Uint8Array {
  return encodeCbor({ required: required.map(({ begin, end }) => ({ begin, end })) });
}

export function decodeWriteAnswer(bytes: Uint8Array): readonly ByteRange[] {
  const kind = 'write answer';
  return new MessageFields(kind, decodeCbor(bytes)).array('required').map((item, index) => {
    const range = new MessageFields(kind, item, `required.${index}`);
    const begin = Number(range.unsigned('begin'));
    const end = Number(range.unsigned('end'));
    if (begin > end || !Number.isSafeInteger(end)) {
      throw new UnexpectedMessageError(kind, `required.${index}`, 'begin not after end');
    }
    return { begin, end };
  });
}

/** The share numbers of a storage index (`GET …/shares`). */
export function encodeShareNumbers(shareNumbers: ReadonlySet<number>): Uint8Array {
  return encodeCbor(shareNumbers);
}

export function decodeShareNumbers(bytes: Uint8Array): ReadonlySet<number> {
  return shareNumberSet('share list', '', decodeCbor(bytes));
}

/** Most bytes of an encoded corruption report. */
export const maximumCorruptionReportSize = 32_768;

/** What a reader found wrong (`POST …/corrupt`), 1 to 32765 bytes of text. */
export function encodeCorruptionReport(reason: string): Uint8Array {
  return encodeCbor({ reason });
}

export function decodeCorruptionReport(bytes: Uint8Array): string {
  const fields = new MessageFields('corruption report', decodeCbor(bytes, maximumCorruptionReportSize));
  return fields.only('reason').text('reason', 1, 32_765);
}
