import type { ShareBackend } from '../../share-backend/share-backend.js';
import { StorageError } from '../../storage-error.js';
import type { Uploads } from '../../uploads/uploads.js';
import { answerEmpty, type Handler } from '../exchange.js';

/**
 * `PUT /storage/v1/immutable/:storage_index/:share_number/abort`: gives an upload up. As the running peer does, 404
 * for a share that nobody is uploading, and 405 for one that is stored.
 */
export function abortUpload({
  uploads,
  backend,
}: {
  uploads: Uploads;
  backend: ShareBackend;
}): Handler<'abortUpload'> {
  return async ({ response, account, secrets }, share) => {
    try {
      await uploads.abort(uploads.find(share, secrets['upload-secret'], account.key));
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== 'no-such-upload') throw error;
      const stored = await backend.read(share);
      stored?.release();
      throw stored ? new StorageError('already-stored', 'the share is stored already') : error;
    }
    answerEmpty(response, 200);
  };
}
