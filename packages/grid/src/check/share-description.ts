import {
  type ChkVerifyCapability,
  type EncodingGeometry,
  longestShareHeader,
  maximumTotalShares,
  parseShareHeader,
  parseUriExtension,
  parseUriExtensionSection,
  type ShareHeader,
  type UriExtension,
  uriExtensionGeometry,
  uriExtensionHash,
} from '@holdfast/lafs';
import { longestUriExtension } from '../download/download-memory.js';
import { BadShareError } from '../download/file-description.js';
import type { FoundShare } from '../download/found-share.js';
import type { Pace } from '../repair/pace.js';

/** How bytes of shares are read. */
export interface HowToRead {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds that a server has to answer; the usual ones where not given. */
  readonly within?: number;
  readonly pace: Pace;
}

/** What a share says of itself and its file. That it agrees with itself is all that is known. */
export interface ShareDescription {
  readonly header: ShareHeader;
  /** The first bytes of the share: at least its header. */
  readonly beginning: Uint8Array;
  /** The URI extension block as it stands in the share. */
  readonly uriExtension: Uint8Array;
  readonly fields: UriExtension;
  readonly geometry: EncodingGeometry;
  /** Bytes of the share, as its header and that block say. */
  readonly size: number;
}

/**
 * Reads a share's header and URI extension block.
 *
 * @throws BadShareError, ShareLayoutError or UriExtensionError where they are malformed or contradict each other;
 *   StorageServerError
 */
export async function readShareDescription(
  share: FoundShare,
  storageIndex: Uint8Array,
  how: HowToRead,
): Promise<ShareDescription> {
  const beginning = await readShare(share, storageIndex, { start: 0, end: longestShareHeader }, how);
  const header = parseShareHeader(beginning);
  const { offset, lengthSize } = header.uriExtension;
  const end = offset + lengthSize + longestUriExtension;
  const section = await readShare(share, storageIndex, { start: offset, end }, how);
  const uriExtension = parseUriExtensionSection(header.version, section);
  const fields = parseUriExtension(uriExtension);
  if (share.shareNumber >= fields.total)
    throw new BadShareError(`its file has no share ${share.shareNumber}, only ${fields.total}`);
  if (fields.total > maximumTotalShares)
    throw new BadShareError(`its file would have ${fields.total} shares`);
  return {
    header,
    beginning,
    uriExtension,
    fields,
    geometry: uriExtensionGeometry(fields, fields),
    size: offset + lengthSize + uriExtension.length,
  };
}

/** Bytes of a share, from memory where they are there; fewer where it ends before. */
export async function readShare(
  { data, server, shareNumber }: FoundShare,
  storageIndex: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  { signal, within, pace }: HowToRead,
): Promise<Uint8Array> {
  if (data) return data.subarray(start, end);
  await pace(end - start);
  return server.read(storageIndex, shareNumber, start, end, signal, within);
}

/** The capability that names what a share describes. */
export function capabilityOf(
  { uriExtension, fields }: ShareDescription,
  storageIndex: Uint8Array,
): ChkVerifyCapability {
  const { required, total, size } = fields;
  const hash = uriExtensionHash(uriExtension);
  return { kind: 'CHK-Verifier', storageIndex, uriExtensionHash: hash, required, total, size };
}
