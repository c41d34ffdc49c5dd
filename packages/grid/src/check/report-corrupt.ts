import type { Logger } from '@holdfast/common/logging';
import { describeShare, type FoundShare } from '../download/found-share.js';

/** Tells a server that a share of it is wrong, and the log. Nobody waits for the server's answer. */
export function reportCorrupt(
  share: FoundShare,
  storageIndex: Uint8Array,
  reason: string,
  logger: Logger,
): void {
  logger.warn({ share: describeShare(share), reason }, 'a share is corrupt');
  share.server.reportCorruption(storageIndex, share.shareNumber, reason).catch((failure: Error) => {
    logger.debug({ reason: failure.message }, 'a corruption report was not taken');
  });
}
