import { type ImmutableShareLayout, largestWholeShare, type WholeShares } from '@holdfast/lafs';
import type { FoundShare } from '../download/found-share.js';
import { openUploads, sendWhole } from '../upload/send-shares.js';
import type { SharePlacing } from '../upload/share-placing.js';
import type { OpenedFile } from './opened-file.js';
import { type RebuildOptions, rebuildWhole, settleUploads } from './rebuild-shares.js';

/** Whether the shares of a file are made in memory, and stored whole where a server takes them so. */
export function areSmall({ description, layout }: OpenedFile): boolean {
  return description.geometry.segmentCount === 1 && layout.size <= largestWholeShare;
}

/** Bytes of memory that making and sending the small shares of a file takes at most. */
export function smallSharesMemory({ capability, layout }: OpenedFile): number {
  return 2 * capability.total * layout.size;
}

/** The small shares that came whole with the answers of servers, as they are to be copied. */
export function heldShares({ layout }: OpenedFile, good: readonly FoundShare[]): WholeShares {
  const held = new Map<number, Uint8Array>();
  for (const { shareNumber, data } of good)
    if (data && isAsWritten(data, layout)) held.set(shareNumber, data);
  return held;
}

/** Small shares, whole: those that are held, and all others where one of them is missing. */
export async function wholeShares(
  file: OpenedFile,
  held: WholeShares,
  missing: readonly number[],
  options: RebuildOptions,
): Promise<WholeShares> {
  await options.pace(missing.length * file.layout.size);
  if (missing.every((share) => held.has(share))) return held;
  return new Map([...(await rebuildWhole(file, options)), ...held]);
}

/** Whether a good share also has those bytes that no hash covers: its header, and the tree that nobody uses. */
function isAsWritten(data: Uint8Array, { header, sections, size }: ImmutableShareLayout): boolean {
  const { offset, size: unused } = sections.plaintextHashTree;
  return (
    data.length === size &&
    Buffer.compare(data.subarray(0, header.length), header) === 0 &&
    data.subarray(offset, offset + unused).every((byte) => byte === 0)
  );
}

/** Sends small shares to servers that only gave room for them. */
export async function writeWhole(
  { capability, layout: { size } }: OpenedFile,
  whole: WholeShares,
  placing: SharePlacing,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { storageIndex } = capability;
  const { toWrite, uploadSecret } = placing;
  const buffer = (length: number) => Buffer.allocUnsafeSlow(length);
  const sizes = { shareSize: size, largestPart: size };
  const uploads = openUploads(toWrite, { storageIndex, uploadSecret, ...sizes, buffer, signal });
  await sendWhole(uploads, whole);
  await Promise.all(uploads.map((upload) => upload.finish()));
  settleUploads(uploads, placing);
}
