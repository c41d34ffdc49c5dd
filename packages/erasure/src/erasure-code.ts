/** One block with the number of the share it belongs to. */
export interface NumberedBlock {
  readonly shareNumber: number;
  readonly block: Uint8Array;
}

/**
 * A systematic Reed–Solomon code over GF(2^8): `required` primary blocks become `total` blocks, the first `required`
 * of which are the primary ones, and any `required` of all give the primary ones back. The blocks are byte for byte
 * those of zfec (its `Encoder` and `Decoder`, which take and give whole blocks, without padding or headers).
 *
 * Blocks have any length, in bytes, the same for all blocks of one call. No call changes or keeps what it is given.
 */
export interface ErasureCode {
  readonly required: number;
  readonly total: number;

  /**
   * @param primary the `required` primary blocks, in order
   * @param wanted the share numbers to make, each once, in any order; all from 0 to `total - 1` when left out
   * @param room gives the block, as long as the primary ones, into which a parity share is written; without it every
   *   parity block is new, has a buffer of its own and belongs to the caller
   * @returns the blocks of the wanted shares, in the order of `wanted`. Primary blocks are the given objects, uncopied.
   * @throws ErasureInputError
   */
  encode(
    primary: readonly Uint8Array[],
    wanted?: readonly number[],
    room?: (shareNumber: number) => Uint8Array,
  ): Uint8Array[];

  /**
   * @param blocks exactly `required` blocks of different shares, in any order
   * @param room gives the block, as long as the others, into which a primary block that was not given is written; without
   *   it every such block is new, has a buffer of its own and belongs to the caller
   * @returns the `required` primary blocks, in order. Those that were given are the given objects, uncopied.
   * @throws ErasureInputError
   */
  decode(blocks: readonly NumberedBlock[], room?: (shareNumber: number) => Uint8Array): Uint8Array[];
}
