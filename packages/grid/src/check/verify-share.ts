import {
  type ChkVerifyCapability,
  checkShare,
  longestShareHeader,
  uriExtensionGeometry,
  uriExtensionHash,
} from '@holdfast/lafs';
import { BadShareError, otherUriExtension } from '../download/file-description.js';
import type { FoundShare } from '../download/found-share.js';
import { type HowToRead, readShare, readShareDescription } from './share-description.js';

/** Bytes of a share that are asked for at a time. */
const pieceSize = 512 * 1024;
/** Pieces that are in memory at a time: two places of the share are gone through side by side. */
const pieces = 3;

/** Bytes of memory that verifying one share takes at most. */
export const verifyingMemory = pieces * pieceSize;

/**
 * Reads every byte of a share and checks it: each block against the block hash tree, both hash trees in themselves, the
 * share hash chain from there to the URI extension block, and that block against the capability.
 *
 * @throws BadShareError and errors alike that say what is wrong; StorageServerError where the server does not give it
 */
export async function verifyShare(
  share: FoundShare,
  capability: ChkVerifyCapability,
  how: HowToRead,
): Promise<void> {
  const { storageIndex } = capability;
  const { beginning, fields, uriExtension, size } = await readShareDescription(share, storageIndex, how);
  if (Buffer.compare(uriExtensionHash(uriExtension), capability.uriExtensionHash) !== 0)
    throw new BadShareError(otherUriExtension);
  uriExtensionGeometry(fields, capability);
  const known = async (begin: number, end: number) => {
    if (end <= longestShareHeader) return beginning.subarray(begin, end);
    return readShare(share, storageIndex, { start: begin, end }, how);
  };
  const verdict = await checkShare(
    {
      shareNumber: share.shareNumber,
      size,
      read: async ({ begin, end }) => {
        const bytes = await known(begin, end);
        if (bytes.length < end - begin) throw new BadShareError('it is cut off');
        return bytes;
      },
    },
    pieceSize,
  );
  if (verdict.verdict === 'damaged') throw new BadShareError(verdict.problem);
  if (verdict.verdict === 'opaque') throw new BadShareError('it is no share of an immutable file');
}
