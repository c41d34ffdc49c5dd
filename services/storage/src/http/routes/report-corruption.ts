import type { Logger } from '@holdfast/common/logging';
import { decodeCorruptionReport, maximumCorruptionReportSize } from '@holdfast/lafs';
import type { CorruptionReports } from '../../records/corruption-reports.js';
import type { Scrub } from '../../scrub/scrub.js';
import type { ShareBackend } from '../../share-backend/share-backend.js';
import { StorageError } from '../../storage-error.js';
import { answerEmpty, type Handler } from '../exchange.js';
import { withMessageBody } from '../message-body.js';

/** `POST /storage/v1/(im)mutable/:storage_index/:share_number/corrupt`: a reader found a share damaged. */
export function reportCorruption({
  backend,
  reports,
  scrub,
  logger,
}: {
  backend: Pick<ShareBackend, 'read'>;
  reports: CorruptionReports;
  /** Looks for itself. */
  scrub: Scrub | undefined;
  logger: Logger;
}): Handler<'reportCorruption' | 'reportMutableCorruption'> {
  return async ({ request, response, account }, address) => {
    const share = await backend.read(address);
    share?.release();
    if (!share) throw new StorageError('no-such-share', 'this share is not here');
    const reason = await withMessageBody(
      request,
      async (body) => decodeCorruptionReport(body),
      maximumCorruptionReportSize,
    );
    await reports.add(address, account.key, reason);
    scrub?.suspect(address);
    // Not the words: nobody knows what a client writes into them, such as the capability of the file.
    logger.warn(
      { shareNumber: address.shareNumber, reasonLength: reason.length },
      'a reader reports a corrupt share',
    );
    answerEmpty(response, 200);
  };
}
