import { hashSize, parseUriExtensionSection, type ShareHeader } from '@holdfast/lafs';
import { longestUriExtension, mostHashes } from './download-memory.js';
import { BadShareError } from './file-description.js';
import { firstNodes } from './leaf-hashes.js';

/** What stands behind a share's blocks, as far as it is read when the share is opened. Nothing of it is proved. */
export interface ShareTail {
  /** The nodes of the two trees that are read first. */
  readonly ciphertextHashes: Uint8Array;
  readonly blockHashes: Uint8Array;
  readonly shareHashChain: Uint8Array;
  readonly uriExtension: Uint8Array;
}

/**
 * Reads what stands behind a share's blocks: in one request, or where its hash trees are large only their tops.
 *
 * @param read reads bytes of the share; fewer where it ends before
 * @param fileSize in bytes: hashes that are far too many for it are not read
 * @throws BadShareError, ShareLayoutError, or what `read` throws
 */
export async function readShareTail(
  header: ShareHeader,
  fileSize: number,
  read: (start: number, end: number) => Promise<Uint8Array> | Uint8Array,
): Promise<ShareTail> {
  const { ciphertextHashTree, blockHashTree, shareHashChain } = header.sections;
  const end = header.uriExtension.offset + header.uriExtension.lengthSize + longestUriExtension;
  const first = [ciphertextHashTree, blockHashTree].map(({ offset, size }) => {
    const { count } = firstNodes(size / hashSize);
    return { offset, size: count * hashSize, isAll: count * hashSize === size };
  }) as [Part, Part];
  const rest = { offset: shareHashChain.offset, size: end - shareHashChain.offset };
  const size = first[0].size + first[1].size + rest.size;
  if (rest.size < longestUriExtension || size - longestUriExtension > mostHashes(fileSize)) {
    throw new BadShareError('its hashes would be far larger than a file of this size has');
  }
  const isOnePiece =
    first.every(({ isAll }) => isAll) && end - ciphertextHashTree.offset <= size + longestUriExtension;
  const parts = isOnePiece
    ? await inOnePiece(read, ciphertextHashTree.offset, end, [...first, rest])
    : await Promise.all([...first, rest].map(({ offset, size }) => read(offset, offset + size)));
  const [ciphertextHashes, blockHashes, last] = parts as [Uint8Array, Uint8Array, Uint8Array];
  return {
    ciphertextHashes,
    blockHashes,
    shareHashChain: last.subarray(0, shareHashChain.size),
    uriExtension: parseUriExtensionSection(
      header.version,
      last.subarray(header.uriExtension.offset - shareHashChain.offset),
    ),
  };
}

interface Part {
  readonly offset: number;
  readonly size: number;
  readonly isAll: boolean;
}

async function inOnePiece(
  read: (start: number, end: number) => Promise<Uint8Array> | Uint8Array,
  start: number,
  end: number,
  parts: readonly { readonly offset: number; readonly size: number }[],
): Promise<Uint8Array[]> {
  const tail = await read(start, end);
  return parts.map(({ offset, size }) => tail.subarray(offset - start, offset - start + size));
}
