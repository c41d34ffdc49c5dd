import type { Logger } from '@holdfast/common/logging';
import { type ImmutableShareLayout, largestWholeShare, type WholeShares } from '@holdfast/lafs';
import type { CorruptShare } from '../check/check-results.js';
import { reportCorrupt } from '../check/report-corrupt.js';
import { locate } from '../check/sorted-shares.js';
import type { StorageServer } from '../connections/storage-server.js';
import type { FoundShare } from '../download/found-share.js';
import { StorageServerError } from '../errors.js';
import { takeMemory } from '../memory/transfer-memory.js';
import { placingRounds } from '../upload/place-upload.js';
import { openUploads, sendWhole } from '../upload/send-shares.js';
import { type PlacingServer, SharePlacing } from '../upload/share-placing.js';
import { copyingMemory, copyShare } from './copy-share.js';
import type { OpenedFile } from './opened-file.js';
import { type RebuildOptions, rebuildShares, rebuildWhole, settleUploads } from './rebuild-shares.js';
import type { PlacedShare } from './repair-results.js';

/** Shares of one file that are copied at a time. */
const copiedAtOnce = 3;

/** What placing shares needs. */
export interface PlaceOptions extends RebuildOptions {
  readonly logger: Logger;
}

/** What was placed, and what turned out on the way. */
export interface Placed {
  readonly shares: readonly PlacedShare[];
  /** Shares that were found wrong when they were read. */
  readonly corrupt: readonly CorruptShare[];
  /** Why shares have no place, one line each. */
  readonly reasons: readonly string[];
}

/**
 * Puts the shares that a file lacks where they belong: copies those of which there is a good one in a wrong place, and
 * makes the others anew. What a server does not take is placed anew.
 *
 * @param good the shares that there are
 * @throws NotEnoughSharesError, WrongFileError, OverloadedError, NotEnoughMemoryError, or the signal's reason; nothing
 *   stays half stored
 */
export async function placeMissing(
  file: OpenedFile,
  good: readonly FoundShare[],
  candidates: readonly PlacingServer[],
  options: PlaceOptions,
): Promise<Placed> {
  const { capability, description, layout } = file;
  const request = { storageIndex: capability.storageIndex, total: capability.total, shareSize: layout.size };
  const small = description.geometry.segmentCount === 1 && layout.size <= largestWholeShare;
  const copies = new Copies(file, good, options);
  const held = new Map<number, Uint8Array>();
  for (const { shareNumber, data } of good)
    if (data && isAsWritten(data, layout)) held.set(shareNumber, data);
  const whole = small
    ? await wholeShares(file, held, new SharePlacing(candidates, request).missing(), options)
    : undefined;
  const placing = new SharePlacing(candidates, { ...request, ...(whole ? { whole } : {}) });
  try {
    for (let round = 0; round < placingRounds && (await placing.nextRound()); round++) {
      options.signal?.throwIfAborted();
      if (whole) await writeWhole(file, whole, placing);
      else {
        await copies.make(placing);
        const others = new Map(placing.toWrite);
        if (others.size > 0) await rebuildShares(file, others, placing, options);
      }
    }
  } finally {
    await placing.giveBack([...placing.toWrite.keys()]);
  }
  const isCopy = (share: number) => (whole ? held.has(share) : copies.made.has(share));
  const shares = [...placing.stored].map(([shareNumber, serverId]) => ({
    shareNumber,
    serverId,
    copied: isCopy(shareNumber),
  }));
  return {
    shares: shares.sort((a, b) => a.shareNumber - b.shareNumber),
    corrupt: copies.corrupt,
    reasons: [...new Set(placing.reasons)],
  };
}

/** Small shares, whole: those that came with the answers of servers, and the others where they are missing. */
async function wholeShares(
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
async function writeWhole(
  { capability, layout: { size } }: OpenedFile,
  whole: WholeShares,
  placing: SharePlacing,
): Promise<void> {
  const { storageIndex } = capability;
  const { toWrite, uploadSecret } = placing;
  const buffer = (length: number) => Buffer.allocUnsafeSlow(length);
  const sizes = { shareSize: size, largestPart: size };
  const uploads = openUploads(toWrite, { storageIndex, uploadSecret, ...sizes, buffer });
  await sendWhole(uploads, whole);
  await Promise.all(uploads.map((upload) => upload.finish()));
  settleUploads(uploads, placing);
}

/** The shares of one file that are copied whole. */
class Copies {
  /** Numbers of shares that were copied. */
  readonly made = new Set<number>();
  readonly corrupt: CorruptShare[] = [];
  readonly #file: OpenedFile;
  readonly #options: PlaceOptions;
  #sources: readonly FoundShare[];

  constructor(file: OpenedFile, sources: readonly FoundShare[], options: PlaceOptions) {
    this.#file = file;
    this.#sources = sources;
    this.#options = options;
  }

  /** Copies every share that has a place and a good copy elsewhere. One whose source fails is left for another round. */
  async make(placing: SharePlacing): Promise<void> {
    const { memory, signal } = this.#options;
    const waiting = [...placing.toWrite].filter(([share]) => this.#sourceOf(share));
    if (waiting.length === 0) return;
    const atOnce = Math.min(copiedAtOnce, waiting.length);
    const each = copyingMemory(this.#file.description.geometry, this.#file.layout.size);
    const working = await takeMemory(memory.working, atOnce * each, { what: 'copying shares', signal });
    const copyInTurn = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await this.#copy(...next, placing);
    };
    try {
      const turns = await Promise.allSettled(Array.from({ length: atOnce }, copyInTurn));
      for (const turn of turns) if (turn.status === 'rejected') throw turn.reason;
    } finally {
      working.release();
    }
  }

  #sourceOf(share: number): FoundShare | undefined {
    return this.#sources.find(({ shareNumber }) => shareNumber === share);
  }

  async #copy(shareNumber: number, server: StorageServer, placing: SharePlacing): Promise<void> {
    const source = this.#sourceOf(shareNumber);
    if (!source) return;
    const { capability, description, layout } = this.#file;
    const { signal, logger } = this.#options;
    const { storageIndex } = capability;
    const sizes = { shareSize: layout.size, largestPart: description.geometry.blockSize };
    const buffer = (length: number) => Buffer.allocUnsafeSlow(length);
    const common = { storageIndex, uploadSecret: placing.uploadSecret, ...sizes, buffer };
    const uploads = openUploads(new Map([[shareNumber, server]]), common);
    try {
      for (const upload of uploads) {
        await copyShare(source, upload, this.#file, this.#options);
        await upload.finish();
        if (!upload.failure) this.made.add(shareNumber);
      }
    } catch (error) {
      await Promise.allSettled(uploads.map((upload) => upload.abort(error as Error)));
      placing.released(shareNumber);
      signal?.throwIfAborted();
      this.#sources = this.#sources.filter((share) => share !== source);
      if (error instanceof StorageServerError) return;
      const { message: reason } = error as Error;
      this.corrupt.push({ ...locate(source), reason });
      reportCorrupt(source, storageIndex, reason, logger);
      return;
    }
    settleUploads(uploads, placing);
  }
}
