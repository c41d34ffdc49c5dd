import type { ImmutableShareLayout, WholeShares } from '@holdfast/lafs';
import type { FileEncoder, FileHashes } from './file-encoder.js';
import { asTheyAre, type ConfirmHashes } from './send-shares.js';
import { shareTail } from './share-tail.js';

/** Every share of a file, whole, and the hashes of the file. */
export interface EncodedWhole {
  readonly shares: WholeShares;
  readonly hashes: FileHashes;
}

/**
 * Encodes a file of one segment in memory.
 *
 * @param confirm as for `sendSegments`
 */
export async function encodeWholeShares(
  encoder: FileEncoder,
  layout: ImmutableShareLayout,
  total: number,
  confirm: ConfirmHashes = asTheyAre,
): Promise<EncodedWhole> {
  const numbers = Array.from({ length: total }, (_, share) => share);
  let blocks: Uint8Array[] = [];
  for await (const { blockSize, encodeInto } of encoder.segments()) {
    blocks = numbers.map(() => Buffer.allocUnsafe(blockSize));
    await encodeInto(blocks);
  }
  const hashes = confirm(await encoder.finish());
  const shares = new Map(
    numbers.map((share) => {
      const block = blocks[share] as Uint8Array;
      return [share, Buffer.concat([layout.header, block, ...shareTail(share, layout, hashes)], layout.size)];
    }),
  );
  return { shares, hashes };
}
