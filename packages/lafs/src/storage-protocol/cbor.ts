import { decode, type EncodeOptions, encode, objectToTokens, Token, Type } from 'cborg';
import { checkCborNesting } from './cbor-nesting.js';
import { MalformedCborError, MessageTooLargeError } from './errors.js';

/** Media type of every message of the storage protocol that is not share data. */
export const cborMediaType = 'application/cbor';

/** Largest message that is read, in bytes, where its kind has no smaller limit: the peer's own limit. */
export const maximumMessageSize = 1024 * 1024;

/** CBOR's tag for a mathematical set (IANA registry of CBOR tags). */
const setTag = 258;

const encodeOptions: EncodeOptions = {
  typeEncoders: {
    Set: (set: Set<unknown>, _type, options) => [
      new Token(Type.tag, setTag),
      objectToTokens([...set], options as EncodeOptions),
    ],
  },
};

const decodeOptions = {
  strict: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  tags: {
    [setTag]: (decodeItem: () => unknown) => {
      const items = decodeItem();
      if (!Array.isArray(items)) throw new MalformedCborError('a set (tag 258) must hold an array');
      const set = new Set(items);
      if (set.size !== items.length) throw new MalformedCborError('a set (tag 258) has a member twice');
      return set;
    },
  },
};

/**
 * Writes a value in CBOR as the peer writes it. `Set` gets tag 258; `Map` and plain objects become maps (of an
 * object, with text keys); `Uint8Array` becomes a byte string; integers must be safe ones or `bigint`.
 */
export function encodeCbor(value: unknown): Uint8Array {
  return encode(value, encodeOptions);
}

/**
 * Reads one CBOR item: maps as `Map`, tag 258 as `Set`, integers past 2⁵³ as `bigint`. Strict: no trailing bytes,
 * no indefinite lengths, no unknown tags, no key twice, every integer in its shortest form, nesting limited.
 *
 * @param limit most bytes to look at
 * @throws MessageTooLargeError, MalformedCborError
 */
export function decodeCbor(bytes: Uint8Array, limit: number = maximumMessageSize): unknown {
  if (bytes.length > limit) throw new MessageTooLargeError(bytes.length, limit);
  checkCborNesting(bytes);
  try {
    return decode(bytes, decodeOptions);
  } catch (error) {
    if (error instanceof MalformedCborError) throw error;
    throw new MalformedCborError((error as Error).message.replace(/^CBOR decode error: /, ''), {
      cause: error,
    });
  }
}
