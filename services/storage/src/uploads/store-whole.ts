import { randomBytes } from 'node:crypto';
import type { WholeShares } from '@holdfast/lafs';
import { TakenBackError } from './placed-shares.js';
import type { UploadRequest, Uploads } from './uploads.js';

/** Whose shares they are. */
export type WholeRequest = Pick<UploadRequest, 'storageIndex' | 'account' | 'lease'>;

/**
 * Takes shares in that are here whole. One that cannot be stored (no room, another upload is bringing it, its sync
 * failed) does not keep the others out.
 *
 * @returns the shares that were there already, and those now stored for good
 * @throws StorageError `database-unavailable`, or why no share could be stored
 */
export async function storeWhole(
  uploads: Uploads,
  request: WholeRequest,
  shares: WholeShares,
): Promise<{ present: ReadonlySet<number>; stored: ReadonlySet<number> }> {
  const size = Math.max(...[...shares.values()].map(({ length }) => length));
  const begun = { ...request, size, uploadSecret: randomBytes(32) };
  const present = new Set<number>();
  const stored = new Set<number>();
  const takenBack = new Set<number>();
  const failures: unknown[] = [];

  const store = async (shareNumber: number) => {
    const upload = uploads.find({ ...request, shareNumber }, begun.uploadSecret, request.account);
    const data = shares.get(shareNumber) as Uint8Array;
    try {
      await uploads.write(upload, { begin: 0, end: size }, (take) => take(0, [data]));
      stored.add(shareNumber);
    } catch (error) {
      if (error instanceof TakenBackError) {
        takenBack.add(shareNumber);
        return;
      }
      failures.push(error);
      // What is placed lacks only its record, and gets it; anything else is begun anew by the client.
      if (!upload.placed) await uploads.abort(upload).catch(() => undefined);
    }
  };
  const storeAll = async (shareNumbers: ReadonlySet<number>, mayComeFirst: boolean) => {
    const answer = await uploads.allocate({ ...begun, shareNumbers, mayComeFirst });
    for (const shareNumber of answer.present) present.add(shareNumber);
    await Promise.all([...answer.allocated].map(store));
  };

  await storeAll(new Set(shares.keys()), true);
  if (takenBack.size > 0)
    await storeAll(new Set(takenBack), false).catch((error: unknown) => failures.push(error));
  if (stored.size === 0 && failures.length > 0) throw failures[0];
  return { present, stored };
}
