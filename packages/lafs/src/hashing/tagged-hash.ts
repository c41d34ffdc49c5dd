import { createHash, type Hash } from 'node:crypto';
import { netstring } from '../netstring.js';
import { hashSize, sha256Again, sha256d } from './sha256.js';

/** Up to here a copy behind the tag and one call cost less than a streaming hash object. */
const largestCopied = 16_384;
const longestTag = 128;
const scratch = Buffer.allocUnsafeSlow(longestTag + largestCopied);

function tagBytes(tag: string | Uint8Array): Uint8Array {
  return netstring(typeof tag === 'string' ? Buffer.from(tag, 'utf8') : tag);
}

/** SHA-256d of `prefix + value`; a large value is hashed where it lies, never copied. */
function prefixedHash(prefix: Uint8Array, value: Uint8Array): Uint8Array {
  if (value.length > largestCopied || prefix.length > longestTag) {
    return sha256Again(createHash('sha256').update(prefix).update(value).digest('binary'));
  }
  scratch.set(prefix);
  scratch.set(value, prefix.length);
  return sha256d(scratch.subarray(0, prefix.length + value.length));
}

/** A copy, as memory of its own is cheaper for so few bytes than a second view of the first. */
function cutTo(truncateTo: number, digest: Uint8Array): Uint8Array {
  return truncateTo === hashSize ? digest : digest.slice(0, truncateTo);
}

/**
 * A hash over many pieces: SHA256d(netstring(tag) + piece + piece + …), optionally cut to its first
 * `truncateTo` bytes (specifications/file-encoding.rst, "Hashes").
 */
export class TaggedHasher {
  readonly #inner: Hash;
  readonly #truncateTo: number;

  constructor(tag: string | Uint8Array, truncateTo: number = hashSize) {
    this.#inner = createHash('sha256').update(tagBytes(tag));
    this.#truncateTo = truncateTo;
  }

  /** Takes the next bytes. They are not kept. */
  update(bytes: Uint8Array): this {
    this.#inner.update(bytes);
    return this;
  }

  /** The hash of all that was given. A hasher gives it once; node throws on the second call. */
  digest(): Uint8Array {
    return cutTo(this.#truncateTo, sha256Again(this.#inner.digest('binary')));
  }
}

/** A hash with one fixed purpose: its tag is encoded once. */
export function taggedHashFunction(
  tag: string,
  truncateTo: number = hashSize,
): (value: Uint8Array) => Uint8Array {
  const prefix = tagBytes(tag);
  return (value) => cutTo(truncateTo, prefixedHash(prefix, value));
}

/**
 * SHA256d(netstring(tag) + value), cut to its first `truncateTo` bytes (32 unless said)
 * (specifications/file-encoding.rst, "Hashes").
 */
export function taggedHash(
  tag: string | Uint8Array,
  value: Uint8Array,
  truncateTo: number = hashSize,
): Uint8Array {
  return cutTo(truncateTo, prefixedHash(tagBytes(tag), value));
}

/**
 * SHA256d(netstring(tag) + netstring(first) + netstring(second)): 32 bytes
 * (specifications/lease.rst, "sha256d tagged pair digest").
 */
export function taggedPairHash(tag: string | Uint8Array, first: Uint8Array, second: Uint8Array): Uint8Array {
  const pair = Buffer.concat([netstring(first), netstring(second)]);
  return prefixedHash(tagBytes(tag), pair);
}
