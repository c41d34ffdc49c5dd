import type { Logger } from '@holdfast/common/logging';
import type { ChkVerifyCapability } from '@holdfast/lafs';
import type { CheckedFile, CheckResults, CorruptShare } from '../check/check-results.js';
import { type Look, type LookOptions, lookAtFile, withoutData } from '../check/look-at-file.js';
import { locate } from '../check/sorted-shares.js';
import { type LookingMemory, nothingWhole, takeLookingMemory, worthReading } from '../check/taken-whole.js';
import { meteredServer, type TrafficMeter } from '../connections/metered-server.js';
import type { ServerSet } from '../connections/server-set.js';
import { untilAborted } from '../connections/until-aborted.js';
import { hasSmallShares, openingMemory } from '../download/download-memory.js';
import { KnownShares } from '../download/found-share.js';
import { ShareSources } from '../download/share-sources.js';
import {
  NotEnoughSharesError,
  NotRecoverableError,
  StorageServerError,
  WrongCapabilityError,
} from '../errors.js';
import { takeOpeningMemory } from '../memory/transfer-memory.js';
import { type PlacingServer, SharePlacing } from '../upload/share-placing.js';
import { candidatesFor } from './candidates.js';
import { openForRepair } from './opened-file.js';
import { type Placed, placeMissing } from './place-missing.js';
import type { RebuildOptions } from './rebuild-shares.js';
import { nothingToRepair, type RepairResults } from './repair-results.js';
import { resultsAfter } from './results-after.js';

/** What a repair needs. */
export interface RepairOptions extends RebuildOptions {
  readonly servers: Pick<ServerSet, 'connectedFor' | 'orderFor' | 'vouchedFor' | 'statuses'>;
  readonly logger: Logger;
  /** Whether to read every byte of every share first. */
  readonly verify: boolean;
  /** Whether to renew our leases on the good shares that are there; new ones have one anyway. */
  readonly addLease: boolean;
  /** Shares that a check has found wrong. */
  readonly knownCorrupt: readonly CorruptShare[];
  /** Whether a check has found that the capability is that of the shares. */
  readonly proven: boolean;
  /** Whether, by what was found, nothing is to be put back now though something is missing. */
  readonly putOff: (found: CheckResults) => Promise<boolean>;
}

/**
 * Looks how a file is doing, and puts what it lacks where it belongs: shares that are missing or wrong, shares that only
 * leaving servers have, and, of shares piled on one server while others have none, one to each of these.
 *
 * What it makes is the file's, but it does not make sure that all shares of a large file fit together, which an uploader
 * may have spoilt: `verifyEncoding` does.
 *
 * @throws NotRecoverableError where too few good shares are left, WrongCapabilityError where they are of another file,
 *   WrongFileError where what can be made of them is not the file's, OverloadedError, NotEnoughMemoryError, or the signal's reason
 */
export async function repairFile(file: CheckedFile, options: RepairOptions): Promise<RepairResults> {
  const { memory, signal } = options;
  const how = { what: 'repairing a file', mayWait: true, signal };
  const looking = await takeLookingMemory(worthReading(file), memory.opening, how);
  try {
    return await new Repair(file, options).run(looking);
  } finally {
    looking.release();
  }
}

interface PlacedFromSources extends Placed {
  /** Whether every share that was to be read was given by its server. */
  readonly allGiven: boolean;
}

class Repair {
  readonly #file: CheckedFile;
  readonly #options: RepairOptions;
  readonly #traffic: TrafficMeter = { read: 0, written: 0 };
  #proven: boolean;

  constructor(file: CheckedFile, options: RepairOptions) {
    this.#file = file;
    this.#options = options;
    this.#proven = options.proven;
  }

  /** @param looking what the first look may take */
  async run(looking: LookingMemory): Promise<RepairResults> {
    const { verify, addLease, knownCorrupt, servers } = this.#options;
    const asked = performance.now();
    const how = { verify, addLease, keep: looking.keep, knownCorrupt, prove: !this.#proven };
    const look = await lookAtFile(this.#file, this.#lookOptions(how));
    looking.answered();
    this.#proven ||= look.results.proven;
    const before = { ...look.results, proven: this.#proven };
    const { capability } = before;
    if (before.wrongCapability) throw new WrongCapabilityError(before);
    if (!capability || !before.recoverable) throw new NotRecoverableError(before);
    const candidates = candidatesFor(look, servers, capability.total);
    if (!isAnythingMissing(candidates, capability))
      return { ...nothingToRepair(before), bytesRead: this.#traffic.read };
    if (await this.#options.putOff(before))
      return { ...nothingToRepair(before), putOff: true, bytesRead: this.#traffic.read };
    const small = hasSmallShares(capability);
    const placed = small
      ? await this.#place(capability, look, candidates)
      : await this.#placeLarge(capability, look, candidates, looking);
    const after =
      (small && placed.allGiven && resultsAfter(before, placed, performance.now() - asked)) ||
      (await this.#lookAgain(capability, [...before.corruptShares, ...placed.corrupt]));
    return this.#results(before, after, placed);
  }

  /** Opening large shares takes memory, of which none may be held while it is waited for. */
  async #placeLarge(
    capability: ChkVerifyCapability,
    look: Look,
    candidates: readonly PlacingServer[],
    looking: LookingMemory,
  ): Promise<PlacedFromSources> {
    const { memory, signal } = this.#options;
    looking.release();
    const what = `repairing a file of ${capability.size} bytes`;
    const opening = await takeOpeningMemory(memory, openingMemory(capability), { what, signal });
    try {
      return await this.#place(capability, withoutData(look), candidates, () => opening.release());
    } finally {
      opening.release();
    }
  }

  /** @param opened called when what is held to open shares is held no longer */
  async #place(
    capability: ChkVerifyCapability,
    { results, good }: Look,
    candidates: readonly PlacingServer[],
    opened: () => void = () => undefined,
  ): Promise<PlacedFromSources> {
    const { logger, signal, buffers } = this.#options;
    const sources = new ShareSources(
      capability,
      capability.storageIndex,
      new KnownShares(good),
      logger,
      signal,
      buffers,
    );
    try {
      const file = await openForRepair(capability, sources);
      opened();
      const placed = await placeMissing(file, good, candidates, this.#options);
      const corrupt = [...placed.corrupt, ...wrongAmong(sources)];
      return { ...placed, corrupt, allGiven: sources.allGiven };
    } catch (error) {
      if (!(error instanceof NotEnoughSharesError)) throw error;
      const now = await this.#lookAgain(capability, [...results.corruptShares, ...wrongAmong(sources)]);
      throw new NotRecoverableError(now, error.reasons);
    } finally {
      sources.close();
    }
  }

  /** How the file is doing after all that was done. */
  async #lookAgain(
    capability: ChkVerifyCapability,
    knownCorrupt: readonly CorruptShare[],
  ): Promise<CheckResults> {
    const options = this.#lookOptions({
      verify: false,
      addLease: false,
      keep: nothingWhole,
      knownCorrupt,
      prove: false,
    });
    const { results } = await lookAtFile(capability, options);
    return { ...results, authenticated: this.#file.kind !== 'storage-index', proven: this.#proven };
  }

  #lookOptions(
    how: Pick<LookOptions, 'verify' | 'addLease' | 'keep' | 'knownCorrupt' | 'prove'>,
  ): LookOptions {
    const { servers, memory, logger, pace, signal } = this.#options;
    const through: LookOptions['through'] = (server) =>
      meteredServer(untilAborted(server, signal), this.#traffic);
    return { servers, memory, logger, pace, signal, through, ...how };
  }

  #results(before: CheckResults, after: CheckResults, placed: Placed): RepairResults {
    return {
      before,
      after,
      putOff: false,
      attempted: true,
      successful: after.healthy,
      sharesPlaced: placed.shares,
      reasons: placed.reasons,
      bytesRead: this.#traffic.read,
      bytesWritten: this.#traffic.written,
    };
  }
}

/** The shares that turned out wrong when they were read. Their servers have been told. */
function wrongAmong({ givenUp }: ShareSources): CorruptShare[] {
  const wrong = [...givenUp].filter(([, error]) => !(error instanceof StorageServerError));
  return wrong.map(([share, { message }]) => ({ ...locate(share), reason: message }));
}

/** Before a share is read nobody knows how large they are: at least as large as what of the file is in each. */
function isAnythingMissing(
  candidates: readonly PlacingServer[],
  { storageIndex, total, size, required }: ChkVerifyCapability,
): boolean {
  const shareSize = Math.ceil(size / required);
  return new SharePlacing(candidates, { storageIndex, total, shareSize }).missing().length > 0;
}
