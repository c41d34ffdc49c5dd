import type { Capacity, Reservation } from '@holdfast/common/capacity';
import {
  type ChkReadCapability,
  convergenceHasher,
  type EncodingGeometry,
  encodingGeometry,
  formatCapability,
  immutableShareLayout,
  largestWholeShare,
  literalMaximumSize,
  storageIndexOfKey,
  uriExtensionHash,
  uriExtensionLength,
} from '@holdfast/lafs';
import type { Coding } from '../coding/coding.js';
import { localCoding } from '../coding/local-coding.js';
import type { UploadServers } from '../connections/server-set.js';
import { untilAborted } from '../connections/until-aborted.js';
import { NotEnoughServersError } from '../errors.js';
import { type BufferPool, LentBuffers } from '../memory/buffer-pool.js';
import { type TransferMemory, takeMemory } from '../memory/transfer-memory.js';
import { serversOfHappiness } from '../placement/index.js';
import { FileEncoder } from './file-encoder.js';
import { type PlacedUpload, placeUpload } from './place-upload.js';
import { openUploads, sendSegments, sendWhole } from './send-shares.js';
import type { ShareUpload } from './share-upload.js';
import {
  piecesOf,
  roomySizes,
  type SpooledFile,
  type SpoolSizes,
  spool,
  spoolMemory,
  tightSizes,
} from './spool.js';
import { SpooledSegments } from './spooled-segments.js';
import { uploadMemory, uploadSizes } from './upload-memory.js';
import { encodeWholeShares } from './whole-shares.js';

/** How files are encoded. `happy` is how many servers must hold a share before an upload counts as done. */
export interface EncodingParameters {
  readonly required: number;
  readonly happy: number;
  readonly total: number;
  /** In bytes. */
  readonly maximumSegmentSize: number;
}

/** What an upload needs. */
export interface UploadOptions {
  readonly encoding: EncodingParameters;
  readonly convergenceSecret: Uint8Array;
  /** Does the work with the bytes of files of more than one segment. */
  readonly coding: Coding;
  /** Where files larger than a segment wait while their key is worked out. */
  readonly spoolDir: string;
  /** The servers that take uploads of a file now, and how many others are connected. */
  readonly serversFor: (storageIndex: Uint8Array) => UploadServers;
  /** What its buffers are taken from. */
  readonly memory: TransferMemory;
  /** Those buffers, made by `coding`, from one upload to the next. */
  readonly buffers: BufferPool;
  /** Most bytes that will come, where that is known. */
  readonly atMost?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Stores a file and returns its capability: a literal for up to 55 bytes, else `URI:CHK:…`, with a convergent key.
 *
 * @throws NotEnoughServersError where too few servers take their shares; what was begun is given up at the servers.
 *   OverloadedError where other transfers hold the memory for too long, NotEnoughMemoryError where there never is enough
 */
export async function uploadFile(source: AsyncIterable<Uint8Array>, options: UploadOptions): Promise<string> {
  const { memory, signal, atMost = Number.POSITIVE_INFINITY } = options;
  const sizes = receivingSizes(memory.receiving, options.encoding, atMost);
  const receiving = await takeMemory(memory.receiving, spoolMemory(sizes, atMost), {
    what: 'receiving a file',
    signal,
  });
  try {
    return await receiveAndStore(source, options, sizes, receiving);
  } finally {
    receiving.release();
  }
}

/** Where memory is short, many who send slowly are better than a few who hold it all. */
function receivingSizes(stage: Capacity, encoding: EncodingParameters, atMost: number): SpoolSizes {
  const roomy = roomySizes(Math.max(encoding.maximumSegmentSize, literalMaximumSize));
  const needed = spoolMemory(roomy, atMost);
  const isShort = stage.taken + needed > (stage.size * 2) / 3;
  return isShort && needed > spoolMemory(tightSizes, atMost) ? tightSizes : roomy;
}

async function receiveAndStore(
  source: AsyncIterable<Uint8Array>,
  options: UploadOptions,
  sizes: SpoolSizes,
  receiving: Reservation,
): Promise<string> {
  const { required, total, maximumSegmentSize } = options.encoding;
  const largeSegment = Math.ceil(maximumSegmentSize / required) * required;
  const hasher = (segmentSize: number) =>
    convergenceHasher({ required, total, segmentSize }, options.convergenceSecret);
  let keyHasher: ReturnType<typeof hasher> | undefined;
  // Beyond the largest segment its size is certain, and the key can be worked out while the file comes in.
  const file = await spool(source, {
    ...sizes,
    dir: options.spoolDir,
    large: Math.max(maximumSegmentSize, literalMaximumSize),
    observeLarge: () => {
      keyHasher = hasher(largeSegment);
      return keyHasher;
    },
  });
  try {
    receiving.shrinkTo(file.memory);
    if (file.size <= literalMaximumSize) {
      return formatCapability({ kind: 'LIT', data: await file.read(0, file.size) });
    }
    const geometry = encodingGeometry({ size: file.size, required, total, maximumSegmentSize });
    if (!keyHasher) {
      keyHasher = hasher(geometry.segmentSize);
      for await (const piece of piecesOf(file)) keyHasher.update(piece);
    }
    const key = keyHasher.digest();
    // A file of one segment is read whole where it is not in memory already.
    const segment = geometry.segmentCount === 1 && file.memory === 0 ? file.size : 0;
    const working = await takeMemory(options.memory.working, uploadMemory(geometry) + segment, {
      what: `storing a file of ${file.size} bytes`,
      signal: options.signal,
    });
    try {
      return formatCapability(await uploadToGoodServers(file, key, geometry, options));
    } finally {
      working.release();
    }
  } finally {
    await file.close();
  }
}

/**
 * Uploads a file's shares. Where so many servers are lost on the way that too few are left, it begins anew with the
 * others, as long as there are enough: the file is still there, its shares are made again.
 */
async function uploadToGoodServers(
  file: SpooledFile,
  key: Uint8Array,
  geometry: EncodingGeometry,
  options: UploadOptions,
): Promise<ChkReadCapability> {
  const lost = new Set<string>();
  const serversFor = (storageIndex: Uint8Array) => {
    const { servers, ...others } = options.serversFor(storageIndex);
    const good = servers.filter(({ id }) => !lost.has(id));
    return { servers: good.map((server) => untilAborted(server, options.signal)), ...others };
  };
  let first: unknown;
  for (;;) {
    const lostBefore = lost.size;
    try {
      return await uploadShares(file, key, geometry, { ...options, serversFor }, lost);
    } catch (error) {
      options.signal?.throwIfAborted();
      first ??= error;
      // What was wrong at first says more than that there are too few servers without those.
      if (!(error instanceof NotEnoughServersError) || lost.size === lostBefore) throw first;
    }
  }
}

/** @param lost takes the ids of servers that failed, where the upload fails for that */
async function uploadShares(
  file: SpooledFile,
  key: Uint8Array,
  geometry: EncodingGeometry,
  options: UploadOptions,
  lost: Set<string>,
): Promise<ChkReadCapability> {
  const { encoding, serversFor, buffers, signal } = options;
  const { required, happy, total } = encoding;
  const storageIndex = storageIndexOfKey(key);
  const layout = immutableShareLayout({ geometry, uriExtensionLength: uriExtensionLength(geometry) });
  const sizes = uploadSizes(geometry);
  // A single segment is done sooner than handed over.
  const coding = geometry.segmentCount > 1 ? options.coding : localCoding;
  const segments = coding.encode(geometry, key);
  const lent = coding === localCoding ? undefined : new LentBuffers(buffers);
  const buffer = (size: number, seenBy?: string) => lent?.take(size, seenBy) ?? coding.buffer(size);
  const encoder = new FileEncoder(new SpooledSegments(file, geometry, buffer), geometry, segments);
  const small = geometry.segmentCount === 1 && sizes.shareSize <= largestWholeShare;
  const whole = small ? await encodeWholeShares(encoder, layout, total) : undefined;
  const { servers, passedOver, leaving } = serversFor(storageIndex);
  const placed = await placeUpload(servers, {
    storageIndex,
    passedOver,
    leaving,
    required,
    happy,
    total,
    shareSize: sizes.shareSize,
    ...(whole ? { whole: whole.shares } : {}),
  }).catch((error) => {
    segments.close();
    throw error;
  });
  const { uploadSecret } = placed;
  const uploads = openUploads(placed.toWrite, { storageIndex, uploadSecret, ...sizes, buffer, signal });
  const checkHappiness = () => requireHappiness(placed, uploads, encoding);
  try {
    if (whole) await sendWhole(uploads, whole.shares);
    const hashes =
      whole?.hashes ??
      (await sendSegments(uploads, encoder, layout, {
        signal,
        checkProgress: checkHappiness,
        buffer,
      }));
    await Promise.all(uploads.map((upload) => upload.finish()));
    checkHappiness();
    // A request that was broken off may still hold its buffer.
    if (uploads.every(({ failure }) => failure === undefined)) lent?.giveBack();
    return {
      kind: 'CHK',
      key,
      uriExtensionHash: uriExtensionHash(hashes.uriExtension),
      required,
      total,
      size: file.size,
    };
  } catch (error) {
    for (const { failure, server } of uploads) if (failure) lost.add(server.id);
    const givenUp = Promise.allSettled(uploads.map((upload) => upload.abort(error as Error)));
    // Nobody is left who would wait for servers to answer.
    if (!signal?.aborted) await givenUp;
    throw error;
  } finally {
    segments.close();
  }
}

/** Servers may fail on the way; the upload goes on while what is left is happy enough. */
function requireHappiness(
  { existing }: PlacedUpload,
  uploads: readonly ShareUpload[],
  { required, happy }: EncodingParameters,
): void {
  const failed = uploads.filter(({ failure }) => failure !== undefined);
  if (failed.length === 0) return;
  const shares = new Map([...existing].map(([share, id]) => [share, new Set([id])]));
  for (const { shareNumber, server, failure } of uploads) {
    if (!failure) shares.set(shareNumber, new Set([server.id]));
  }
  const happiness = serversOfHappiness(shares);
  if (happiness >= happy) return;
  const servers = new Set([...shares.values()].flatMap((ids) => [...ids])).size;
  const reasons = new Set(failed.map(({ failure }) => failure?.message ?? ''));
  throw new NotEnoughServersError(servers, happiness, required, happy, [...reasons]);
}
