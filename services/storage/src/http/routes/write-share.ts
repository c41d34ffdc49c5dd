import { encodeWriteAnswer, parseContentRange } from '@holdfast/lafs';
import type { StorageMetrics } from '../../metrics.js';
import { StorageError } from '../../storage-error.js';
import { streamBody } from '../../uploads/body-stream.js';
import type { Uploads } from '../../uploads/uploads.js';
import { answerCbor, type Handler } from '../exchange.js';
import { requireCborAccepted } from '../message-body.js';

/** `PATCH /storage/v1/immutable/:storage_index/:share_number`: writes a range of a share that is on its way in. */
export function writeShare({
  uploads,
  metrics,
}: {
  uploads: Uploads;
  metrics: StorageMetrics;
}): Handler<'writeShare'> {
  return async ({ request, response, account, secrets }, share) => {
    requireCborAccepted(request);
    const range = parseContentRange(request.headers['content-range']);
    const upload = uploads.find(share, secrets['upload-secret'], account.key);
    if (range.total !== undefined && range.total !== upload.size) {
      throw new StorageError('range-outside-share', `the share has ${upload.size} bytes`);
    }
    const size = range.end - range.begin;
    const announced = request.headers['content-length'];
    if (announced !== undefined && Number(announced) !== size) {
      throw new StorageError('range-body-mismatch', `the body has ${announced} bytes, its range ${size}`);
    }
    const required = await uploads.write(upload, range, (take) => streamBody(request, size, take));
    metrics.received(size);
    if (required.length === 0) metrics.shareStored();
    answerCbor(response, required.length === 0 ? 201 : 200, encodeWriteAnswer(required));
  };
}
