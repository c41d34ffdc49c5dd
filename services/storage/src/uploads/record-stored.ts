import type { ShareRecords } from '../records/share-records.js';
import type { ShareBackend } from '../share-backend/share-backend.js';
import { StorageError } from '../storage-error.js';
import type { Admission } from '../usage/admission.js';
import type { Upload } from './upload.js';

/** What recording a stored share needs. */
export interface RecordStoredOptions {
  readonly backend: Pick<ShareBackend, 'shareFiles' | 'remove'>;
  readonly records: Pick<ShareRecords, 'close'>;
  readonly admission: Pick<Admission, 'store'>;
}

/**
 * Records an upload that is in its place as stored. Durable when this resolves. One that was never promised may still
 * be refused, and is then taken out of its place.
 *
 * @throws StorageError that refuses it: `quota-exceeded`, `upload-failed`; or `database-unavailable`, after which it may
 *   be tried again
 */
export async function recordStored(
  { backend, records, admission }: RecordStoredOptions,
  upload: Upload,
): Promise<void> {
  const share = { ...upload.share, size: upload.size, account: upload.account };
  if (upload.promised) return records.close(share);
  const refused = await admission.store(share);
  if (refused) {
    await backend.remove([share]);
    throw refused;
  }
  // A collection that was broken off between a file and its record, and went on just now, may have taken this file for
  // the one that it had removed. From here on none can: there is a lease.
  if (!(await backend.shareFiles(share.storageIndex)).has(share.shareNumber)) {
    throw new StorageError('upload-failed', 'the share was deleted while it came; begin again');
  }
}
