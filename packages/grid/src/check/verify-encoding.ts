import type { Logger } from '@holdfast/common/logging';
import type { ChkVerifyCapability } from '@holdfast/lafs';
import { type FoundShare, KnownShares } from '../download/found-share.js';
import { ShareSources } from '../download/share-sources.js';
import { NotEnoughSharesError, WrongFileError } from '../errors.js';
import { openForRepair } from '../repair/opened-file.js';
import { proveShares, type RebuildOptions } from '../repair/rebuild-shares.js';

/** What verifying an encoding needs. */
export interface VerifyEncodingOptions extends RebuildOptions {
  readonly logger: Logger;
}

/**
 * Decodes a file's ciphertext from k of its good shares, encodes it again, and compares what comes out with all hashes of
 * the file: of the ciphertext and of every share. Shares that lead to the file each by itself can still decode to one
 * thing or another, where whoever uploaded them made them so.
 *
 * @param good at least as many shares as the file needs
 * @param opened called when what is held to open shares is held no longer
 * @returns what is wrong with the file, in one line; undefined for one that is right, and where shares went away
 *   meanwhile
 * @throws OverloadedError, NotEnoughMemoryError, or the signal's reason
 */
export async function verifyEncoding(
  capability: ChkVerifyCapability,
  good: readonly FoundShare[],
  options: VerifyEncodingOptions,
  opened: () => void = () => undefined,
): Promise<string | undefined> {
  const { logger, signal, buffers } = options;
  const sources = new ShareSources(
    capability,
    capability.storageIndex,
    new KnownShares(good),
    logger,
    signal,
    buffers,
  );
  try {
    const file = await openForRepair(capability, sources);
    opened();
    await proveShares(file, options);
    return undefined;
  } catch (error) {
    if (error instanceof WrongFileError) return error.message;
    if (!(error instanceof NotEnoughSharesError)) throw error;
    logger.debug({ error: error.message }, 'shares went away while a file was verified');
    return undefined;
  } finally {
    sources.close();
  }
}
