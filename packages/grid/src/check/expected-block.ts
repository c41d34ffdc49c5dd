import {
  type ChkVerifyCapability,
  encodingGeometry,
  immutableShareLayout,
  parseUriExtension,
  parseUriExtensionSection,
  type UriExtension,
  uriExtensionHash,
} from '@holdfast/lafs';
import type { FoundShare } from '../download/found-share.js';
import { StorageServerError } from '../errors.js';
import { type HowToRead, readShare } from './share-description.js';

/** The largest segments that clients make where they are not told otherwise: Tahoe-LAFS since 1.17, and we. */
const usualSegmentSize = 1024 * 1024;

/** Bytes that are asked for: those that clients make take less than half of it. */
const usualBlock = 1024;

/**
 * Reads the URI extension block that a capability names from where it stands in a share of a file that was encoded as
 * usual: one small read, where the header would have to be read first.
 *
 * @returns undefined where what stands there is not that block, which says nothing against the share
 * @throws StorageServerError where the server did not answer
 */
export async function readExpectedBlock(
  share: FoundShare,
  capability: ChkVerifyCapability,
  how: HowToRead,
): Promise<UriExtension | undefined> {
  try {
    const geometry = encodingGeometry({ ...capability, maximumSegmentSize: usualSegmentSize });
    const { version, sections } = immutableShareLayout({ geometry, uriExtensionLength: usualBlock });
    const { offset: start, size } = sections.uriExtension;
    const section = await readShare(share, capability.storageIndex, { start, end: start + size }, how);
    const block = parseUriExtensionSection(version, section);
    const isNamed = Buffer.compare(uriExtensionHash(block), capability.uriExtensionHash) === 0;
    return isNamed ? parseUriExtension(block) : undefined;
  } catch (error) {
    if (error instanceof StorageServerError && error.status === undefined) throw error;
    return undefined;
  }
}
