import { netstring } from '../netstring.js';
import { TaggedHasher } from './tagged-hash.js';

const convergenceTag = 'allmydata_immutable_content_to_key_with_added_secret_v1+';

/** Bytes of an immutable file's read key (AES-128). */
export const readKeySize = 16;

/** What goes into a convergent key beside the file and the secret. Happiness does not. */
export interface ConvergenceParameters {
  /** k, shares needed to read. */
  readonly required: number;
  /** n, shares made. */
  readonly total: number;
  /** Bytes of a segment as encoded: `segmentSize` of the file's encoding geometry, a multiple of k. */
  readonly segmentSize: number;
}

/**
 * A hasher over a file's plaintext whose digest is the file's 16-byte read key
 * (specifications/file-encoding.rst, first section). Its tag is
 *
 *     "allmydata_immutable_content_to_key_with_added_secret_v1+"
 *       + netstring(convergence secret) + netstring("k,n,segment size")
 *
 * with the numbers in decimal. Like every tag it is wrapped in a netstring of its own.
 */
export function convergenceHasher(
  parameters: ConvergenceParameters,
  convergenceSecret: Uint8Array,
): TaggedHasher {
  const { required, total, segmentSize } = parameters;
  const encoding = Buffer.from(`${required},${total},${segmentSize}`, 'latin1');
  const tag = Buffer.concat([
    Buffer.from(convergenceTag, 'latin1'),
    netstring(convergenceSecret),
    netstring(encoding),
  ]);
  return new TaggedHasher(tag, readKeySize);
}
