import type { ImmutableShareLayout, WholeShares } from '@holdfast/lafs';
import type { StorageServer } from '../connections/storage-server.js';
import { BlockRooms } from './block-rooms.js';
import type { BlockEncoder, FileHashes } from './file-encoder.js';
import { shareTail } from './share-tail.js';
import { ShareUpload, type ShareUploadOptions } from './share-upload.js';

/**
 * Looks at the hashes of a file that has been encoded, before the last of any share is sent: throws, or gives what is to
 * stand in the shares.
 */
export type ConfirmHashes = (hashes: FileHashes) => FileHashes;

/** For a file that is encoded for the first time: its hashes are what they turn out to be. */
export const asTheyAre: ConfirmHashes = (hashes) => hashes;

/** Begins to send shares to the servers that have room for them. */
export function openUploads(
  toWrite: ReadonlyMap<number, StorageServer>,
  common: Omit<ShareUploadOptions, 'shareNumber' | 'server'>,
): ShareUpload[] {
  return [...toWrite].map(([shareNumber, server]) => new ShareUpload({ shareNumber, server, ...common }));
}

/** Sends shares that are in memory. */
export async function sendWhole(uploads: readonly ShareUpload[], shares: WholeShares): Promise<void> {
  await Promise.all(uploads.map((upload) => upload.append(shares.get(upload.shareNumber) as Uint8Array)));
}

/**
 * Encodes a file segment by segment and sends each share's blocks as they are made. A segment is handed to the encoding
 * while the one before is under way: with one at a time, the thread that encodes stood still until this one had told it of
 * the next, and a file of 100 MB took an eighth longer.
 */
export async function sendSegments(
  uploads: readonly ShareUpload[],
  encoder: BlockEncoder,
  layout: ImmutableShareLayout,
  options: {
    readonly signal: AbortSignal | undefined;
    /** Called after each segment; what it throws ends the upload. */
    readonly checkProgress: () => void;
    readonly confirm?: ConfirmHashes;
    readonly buffer: (size: number) => Uint8Array;
  },
): Promise<FileHashes> {
  const { signal, checkProgress, confirm = asTheyAre, buffer } = options;
  await Promise.all(uploads.map((upload) => upload.append(layout.header)));
  const rooms = new BlockRooms(uploads, encoder.shares, buffer);
  let before = Promise.resolve();
  for await (const segment of encoder.segments()) {
    signal?.throwIfAborted();
    const encoded = segment.encodeInto(await rooms.take(segment.blockSize));
    // It is waited for below; where the one before fails, nobody does.
    encoded.catch(() => undefined);
    for (const upload of uploads) upload.filledWhen(encoded);
    await before;
    before = encoded;
    checkProgress();
  }
  await before;
  const hashes = confirm(await encoder.finish());
  await Promise.all(
    uploads.map((upload) => appendAll(upload, shareTail(upload.shareNumber, layout, hashes))),
  );
  return hashes;
}

async function appendAll(upload: ShareUpload, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) await upload.append(part);
}
