import { randomBytes } from 'node:crypto';
import {
  type ChkReadCapability,
  encodingGeometry,
  immutableShareLayout,
  uriExtensionHash,
  uriExtensionLength,
} from '@holdfast/lafs';
import { localCoding } from '../coding/local-coding.js';
import { FileEncoder } from '../upload/file-encoder.js';
import { encodeWholeShares } from '../upload/whole-shares.js';

/** A file of `size` random bytes in one segment, and all of its shares. */
export async function encodedFile({
  required,
  total,
  size,
}: {
  required: number;
  total: number;
  size: number;
}) {
  const content = randomBytes(size);
  const key = randomBytes(16);
  const geometry = encodingGeometry({ required, total, maximumSegmentSize: size + required, size });
  const layout = immutableShareLayout({ geometry, uriExtensionLength: uriExtensionLength(geometry) });
  const source = { read: async () => ({ pieces: [content], release: () => undefined }) };
  const encoder = new FileEncoder(source, geometry, localCoding.encode(geometry, key));
  const { shares, hashes } = await encodeWholeShares(encoder, layout, total);
  const capability: ChkReadCapability = {
    kind: 'CHK',
    key,
    uriExtensionHash: uriExtensionHash(hashes.uriExtension),
    required,
    total,
    size,
  };
  return { content, geometry, layout, shares, hashes, capability };
}
