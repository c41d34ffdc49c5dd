import type { ChkVerifyCapability, ImmutableShareLayout, ShareVersion } from '@holdfast/lafs';
import { immutableShareLayout, parseUriExtension } from '@holdfast/lafs';
import type { FileDescription } from '../download/file-description.js';
import type { ShareReader } from '../download/share-reader.js';
import type { ShareSources } from '../download/share-sources.js';
import { WrongFileError } from '../errors.js';
import type { ConfirmHashes } from '../upload/send-shares.js';
import { otherShares } from './share-rebuilder.js';

/** A file whose shares are open for repair. */
export interface OpenedFile {
  readonly capability: ChkVerifyCapability;
  readonly sources: ShareSources;
  readonly description: FileDescription;
  /** As its shares have it, so that new ones are the same byte for byte. */
  readonly layout: ImmutableShareLayout;
}

/**
 * Opens k of a file's shares.
 *
 * @throws NotEnoughSharesError, or the signal's reason
 */
export async function openForRepair(
  capability: ChkVerifyCapability,
  sources: ShareSources,
): Promise<OpenedFile> {
  const description = await sources.start();
  const { geometry, uriExtension } = description;
  const version = usualVersion(sources.open);
  const layout = immutableShareLayout({
    geometry,
    uriExtensionLength: uriExtension.length,
    ...(version === undefined ? {} : { version }),
  });
  return { capability, sources, description, layout };
}

/** The form of most shares: no hash covers it. */
function usualVersion(open: readonly ShareReader[]): ShareVersion | undefined {
  const second = open.filter(({ version }) => version === 2).length;
  if (open.length === 0) return undefined;
  return second > open.length / 2 ? 2 : 1;
}

/**
 * Makes sure that what was encoded is the file, before any share of it is complete at a server. Good blocks of k shares
 * can still be those of another file than good blocks of k others, where the uploader made them so.
 */
export function sameHashes({ uriExtension, hashes }: FileDescription): ConfirmHashes {
  return (encoded) => {
    const found = parseUriExtension(encoded.uriExtension);
    const names = ['ciphertextHash', 'ciphertextRootHash', 'shareRootHash'] as const;
    if (names.some((name) => Buffer.compare(found[name], hashes[name]) !== 0))
      throw new WrongFileError(otherShares);
    // The block itself: other releases wrote more into it.
    return { ...encoded, uriExtension };
  };
}
