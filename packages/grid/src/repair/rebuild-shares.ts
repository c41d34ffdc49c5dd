import type { WholeShares } from '@holdfast/lafs';
import type { Coding } from '../coding/coding.js';
import { localCoding } from '../coding/local-coding.js';
import type { SegmentEncoding } from '../coding/segment-encoder.js';
import type { StorageServer } from '../connections/storage-server.js';
import { readingToEncodeMemory, segmentsAhead } from '../download/download-memory.js';
import { SegmentFetcher } from '../download/segment-fetcher.js';
import { SegmentsInOrder } from '../download/segments-in-order.js';
import { type BufferPool, LentBuffers } from '../memory/buffer-pool.js';
import { type TransferMemory, takeMemory } from '../memory/transfer-memory.js';
import { type BlockEncoder, FileEncoder } from '../upload/file-encoder.js';
import { asTheyAre, type ConfirmHashes, openUploads, sendSegments } from '../upload/send-shares.js';
import type { SharePlacing } from '../upload/share-placing.js';
import type { ShareUpload } from '../upload/share-upload.js';
import { sharesMemory, uploadSizes } from '../upload/upload-memory.js';
import { encodeWholeShares } from '../upload/whole-shares.js';
import { CiphertextSegments } from './ciphertext-segments.js';
import { type OpenedFile, sameHashes } from './opened-file.js';
import type { Pace } from './pace.js';
import { ShareRebuilder, sharesToMake } from './share-rebuilder.js';

/** What making shares anew needs. */
export interface RebuildOptions {
  readonly memory: TransferMemory;
  readonly coding: Coding;
  readonly buffers: BufferPool;
  readonly pace: Pace;
  readonly signal: AbortSignal | undefined;
}

/** Where shares are sent that are made anew. */
interface Destination {
  readonly toWrite: ReadonlyMap<number, StorageServer>;
  readonly uploadSecret: Uint8Array;
}

/**
 * Makes shares anew from any k good ones, segment by segment, and sends them to the servers that have room for them: all at
 * once, or as many as there is ever memory for. What becomes of each is told to `placing`. No share is complete at its server
 * before all that were made with it have turned out to be the file's.
 *
 * @throws NotEnoughSharesError, WrongFileError, OverloadedError, NotEnoughMemoryError, CodingError, or the signal's
 *   reason; then the shares are given up at their servers
 */
export async function rebuildShares(
  file: OpenedFile,
  toWrite: ReadonlyMap<number, StorageServer>,
  placing: SharePlacing,
  options: RebuildOptions,
): Promise<void> {
  const { uploadSecret } = placing;
  const all = [...toWrite];
  while (all.length > 0) {
    let count = all.length;
    while (count > 1 && memoryFor(file, new Map(all.slice(0, count)), 1) > options.memory.working.size)
      count--;
    const some = new Map(all.splice(0, count));
    settleUploads(await encodeAgain(file, { toWrite: some, uploadSecret }, options), placing);
  }
}

/** Bytes of memory that making shares and sending them takes at most. */
function memoryFor(
  { capability, description, layout }: OpenedFile,
  toWrite: Destination['toWrite'],
  ahead: number,
): number {
  const { geometry } = description;
  const sent = toWrite.size;
  const made = sent > 0 ? sharesToMake(description, toWrite).length : geometry.total;
  const sizes = uploadSizes(geometry, layout.size);
  return readingToEncodeMemory(capability, geometry, ahead) + sharesMemory(geometry, sizes, { made, sent });
}

/**
 * Encodes a file again and sends nothing of it: what comes out must be the file.
 *
 * @throws WrongFileError where it is not; else as `rebuildShares`
 */
export async function proveShares(file: OpenedFile, options: RebuildOptions): Promise<void> {
  await encodeAgain(file, { toWrite: new Map(), uploadSecret: new Uint8Array(0) }, options);
}

/** @returns the shares as they were sent, or failed to be */
async function encodeAgain(
  file: OpenedFile,
  { toWrite, uploadSecret }: Destination,
  options: RebuildOptions,
): Promise<ShareUpload[]> {
  const { capability, description, layout } = file;
  const { geometry } = description;
  const { memory, buffers, signal } = options;
  const sizes = uploadSizes(geometry, layout.size);
  const usual = segmentsAhead(geometry);
  const ahead = memoryFor(file, toWrite, usual) > memory.working.size ? 1 : usual;
  const needed = memoryFor(file, toWrite, ahead);
  const working = await takeMemory(memory.working, needed, { what: 'repairing a file', signal });
  const coding = geometry.segmentCount > 1 ? options.coding : localCoding;
  const lent = coding === localCoding ? undefined : new LentBuffers(buffers);
  const buffer = (size: number, seenBy?: string) => lent?.take(size, seenBy) ?? coding.buffer(size);
  const { storageIndex } = capability;
  const uploads = openUploads(toWrite, {
    storageIndex,
    uploadSecret,
    ...sizes,
    buffer,
    signal,
  });
  const encoding =
    toWrite.size > 0
      ? beginRebuilding(file, toWrite, { ...options, coding, ahead })
      : beginEncoding(file, { ...options, coding, ahead });
  try {
    await sendSegments(uploads, encoding.encoder, layout, {
      signal,
      checkProgress: () => {
        if (uploads.length > 0 && uploads.every(({ failure }) => failure)) throw new NobodyTakesError();
      },
      confirm: encoding.confirm,
      buffer,
    });
    await Promise.all(uploads.map((upload) => upload.finish()));
    // A request that was broken off may still hold its buffer.
    if (uploads.every(({ failure }) => failure === undefined)) lent?.giveBack();
  } catch (error) {
    if (!(error instanceof NobodyTakesError)) {
      const givenUp = Promise.allSettled(uploads.map((upload) => upload.abort(error as Error)));
      // Nobody is left who would wait for servers to answer.
      if (!signal?.aborted) await givenUp;
      throw error;
    }
  } finally {
    await encoding.close();
    working.release();
  }
  return uploads;
}

/** Every server to which shares are sent has failed: there is no use in going on. */
class NobodyTakesError extends Error {}

/** Tells `placing` what became of shares that were sent, and the servers that they are not wanted where that failed. */
export function settleUploads(uploads: readonly ShareUpload[], placing: SharePlacing): void {
  for (const upload of uploads) {
    const { shareNumber, failure } = upload;
    if (failure) {
      placing.lost(shareNumber, failure);
      upload.abort(failure).catch(() => undefined);
    } else placing.written(shareNumber);
  }
}

/**
 * Makes every share of a small file anew, in memory.
 *
 * @throws as `rebuildShares`
 */
export async function rebuildWhole(
  file: OpenedFile,
  options: Pick<RebuildOptions, 'pace' | 'signal'>,
): Promise<WholeShares> {
  const { capability, layout } = file;
  const encoding = beginEncoding(file, { ...options, coding: localCoding, ahead: 1 });
  try {
    const { encoder, confirm } = encoding;
    return (await encodeWholeShares(encoder, layout, capability.total, confirm)).shares;
  } finally {
    await encoding.close();
  }
}

/** A file that is encoded again. */
interface Encoding<Encoder extends BlockEncoder> {
  readonly encoder: Encoder;
  /** Makes sure that what was encoded is the file, where the encoder does not. */
  readonly confirm: ConfirmHashes;
  close(): Promise<void>;
}

type EncodingOptions = Pick<RebuildOptions, 'pace' | 'signal' | 'coding'> & { readonly ahead: number };

/** Begins to make some shares. */
function beginRebuilding(
  file: OpenedFile,
  toWrite: ReadonlyMap<number, StorageServer>,
  options: EncodingOptions,
): Encoding<ShareRebuilder> {
  const { description } = file;
  const shares = sharesToMake(description, toWrite);
  const segments = options.coding.encode(description.geometry, undefined, shares);
  const { source, close } = beginReading(file, segments, options, { proved: true, sent: toWrite.size });
  return { encoder: new ShareRebuilder(source, description, segments, shares), confirm: asTheyAre, close };
}

/** Begins to make all shares; who sends any of them does so by itself. */
function beginEncoding(file: OpenedFile, options: EncodingOptions): Encoding<FileEncoder> {
  const { description } = file;
  // Without a key: what comes in is ciphertext.
  const segments = options.coding.encode(description.geometry, undefined);
  // Not proved: all hashes of what is encoded are compared in the end.
  const { source, close } = beginReading(file, segments, options, { proved: false, sent: 0 });
  const encoder = new FileEncoder(source, description.geometry, segments);
  return { encoder, confirm: sameHashes(description), close };
}

/**
 * @param proved whether each segment is compared with its hash
 * @param sent how many shares are sent of what is encoded
 */
function beginReading(
  { sources, description }: OpenedFile,
  segments: SegmentEncoding,
  { pace, signal, coding, ahead }: EncodingOptions,
  { proved, sent }: { readonly proved: boolean; readonly sent: number },
): { readonly source: CiphertextSegments; close(): Promise<void> } {
  const { geometry } = description;
  const decoding = coding.decode(geometry, undefined);
  const fetcher = new SegmentFetcher({ sources, description, decoding, proved, signal });
  const ciphertext = new SegmentsInOrder(fetcher, ahead);
  // What came whole with the answers of servers is here already.
  const read = sources.open.filter(({ share }) => !share.data).length;
  const bytes = (read + sent) * geometry.blockSize;
  const source = new CiphertextSegments(ciphertext, geometry.segmentCount, () => pace(bytes));
  return {
    source,
    close: async () => {
      segments.close();
      await source.close();
      decoding.close();
    },
  };
}
