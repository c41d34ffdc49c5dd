import type { WholeShares } from '@holdfast/lafs';
import type { CorruptShare } from '../check/check-results.js';
import type { FoundShare } from '../download/found-share.js';
import { takeMemory } from '../memory/transfer-memory.js';
import { placingRounds } from '../upload/place-upload.js';
import { type PlacingRequest, type PlacingServer, SharePlacing } from '../upload/share-placing.js';
import { Copies, type CopyOptions } from './copies.js';
import { learnRoots } from './learn-roots.js';
import type { OpenedFile } from './opened-file.js';
import { type RebuildOptions, rebuildShares } from './rebuild-shares.js';
import type { PlacedShare } from './repair-results.js';
import { areSmall, heldShares, smallSharesMemory, wholeShares, writeWhole } from './small-shares.js';

/** What placing shares needs. */
export type PlaceOptions = RebuildOptions & CopyOptions;

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
  const { capability, layout } = file;
  const request = { storageIndex: capability.storageIndex, total: capability.total, shareSize: layout.size };
  return areSmall(file)
    ? placeSmall(file, heldShares(file, good), candidates, { ...options, request })
    : placeLarge(file, good, candidates, { ...options, request });
}

async function placeSmall(
  file: OpenedFile,
  held: WholeShares,
  candidates: readonly PlacingServer[],
  options: PlaceOptions & { readonly request: PlacingRequest },
): Promise<Placed> {
  const { memory, signal, request } = options;
  const what = 'repairing a small file';
  const working = await takeMemory(memory.working, smallSharesMemory(file), { what, signal });
  try {
    const whole = await wholeShares(file, held, new SharePlacing(candidates, request).missing(), options);
    const placing = new SharePlacing(candidates, { ...request, whole });
    await inRounds(placing, signal, () => writeWhole(file, whole, placing, signal));
    return placed(placing, (share) => held.has(share), []);
  } finally {
    working.release();
  }
}

async function placeLarge(
  file: OpenedFile,
  good: readonly FoundShare[],
  candidates: readonly PlacingServer[],
  options: PlaceOptions & { readonly request: PlacingRequest },
): Promise<Placed> {
  const copies = new Copies(file, good, options);
  const placing = new SharePlacing(candidates, options.request);
  let learnt: Promise<void> | undefined;
  await inRounds(placing, options.signal, async () => {
    await copies.make(placing);
    const others = new Map(placing.toWrite);
    if (others.size === 0) return;
    learnt ??= learnRoots(file, good, options.signal);
    await learnt;
    await rebuildShares(file, others, placing, options);
  });
  return placed(placing, (share) => copies.made.has(share), copies.corrupt);
}

/** Finds places and writes what has one, until there is nothing to place any more, or no place. */
async function inRounds(
  placing: SharePlacing,
  signal: AbortSignal | undefined,
  write: () => Promise<void>,
): Promise<void> {
  try {
    for (let round = 0; round < placingRounds && (await placing.nextRound()); round++) {
      signal?.throwIfAborted();
      await write();
    }
  } finally {
    const givenBack = placing.giveBack([...placing.toWrite.keys()]);
    // Nobody is left who would wait for servers to answer.
    if (!signal?.aborted) await givenBack;
  }
}

function placed(
  { stored, reasons }: SharePlacing,
  isCopy: (share: number) => boolean,
  corrupt: readonly CorruptShare[],
): Placed {
  const shares = [...stored].map(([shareNumber, serverId]) => ({
    shareNumber,
    serverId,
    copied: isCopy(shareNumber),
  }));
  shares.sort((a, b) => a.shareNumber - b.shareNumber);
  return { shares, corrupt, reasons: [...new Set(reasons)] };
}
