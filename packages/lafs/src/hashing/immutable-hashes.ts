import { TaggedHasher, taggedHashFunction } from './tagged-hash.js';

// The tags are those the peer hashes with; specifications/file-encoding.rst names only the storage index's.
const blockTag = 'allmydata_encoded_subshare_v1';
const ciphertextTag = 'allmydata_crypttext_v1';
const ciphertextSegmentTag = 'allmydata_crypttext_segment_v1';

/** Hash of one block of one share as stored (32 bytes): a leaf of that share's block hash tree. */
export const blockHash = taggedHashFunction(blockTag);

/** As `blockHash`, for a block that comes in pieces. */
export function blockHasher(): TaggedHasher {
  return new TaggedHasher(blockTag);
}

/**
 * Hash of one segment of ciphertext, the last without its padding (32 bytes): a leaf of the ciphertext
 * hash tree.
 */
export const ciphertextSegmentHash = taggedHashFunction(ciphertextSegmentTag);

/** As `ciphertextSegmentHash`, for a segment that comes in pieces. */
export function ciphertextSegmentHasher(): TaggedHasher {
  return new TaggedHasher(ciphertextSegmentTag);
}

/** Hash of a serialized URI extension block (32 bytes), as it stands in a CHK capability. */
export const uriExtensionHash = taggedHashFunction('allmydata_uri_extension_v1');

/** The storage index (16 bytes) of an immutable file's 16-byte read key. */
export const storageIndexOfKey = taggedHashFunction('allmydata_immutable_key_to_storage_index_v1', 16);

/** A hasher over a whole file's ciphertext, without padding (32 bytes): `crypttext_hash` of the UEB. */
export function ciphertextHasher(): TaggedHasher {
  return new TaggedHasher(ciphertextTag);
}
