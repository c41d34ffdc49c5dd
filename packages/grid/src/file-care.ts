import type { Logger } from '@holdfast/common/logging';
import { type Capability, verifyCapabilityOf } from '@holdfast/lafs';
import { checkFile } from './check/check-file.js';
import type { CheckedFile, CheckResults, StorageIndexOnly } from './check/check-results.js';
import { literalResults } from './check/count-findings.js';
import type { Coding } from './coding/coding.js';
import { expectManyListeners } from './connections/expect-many-listeners.js';
import type { ServerSet } from './connections/server-set.js';
import { BufferPool } from './memory/buffer-pool.js';
import type { TransferMemory } from './memory/transfer-memory.js';
import { type Pace, unlimited, untilUnwanted } from './repair/pace.js';
import { repairFile } from './repair/repair-file.js';
import { nothingToRepair, type RepairResults } from './repair/repair-results.js';

/** What of a set of storage servers work with files needs. */
export type GridServers = Pick<ServerSet, 'connectedFor' | 'orderFor' | 'vouchedFor' | 'statuses'>;

/** What looking after files needs. */
export interface FileCareOptions {
  readonly servers: GridServers;
  /** What the buffers of all transfers are taken from. */
  readonly memory: TransferMemory;
  /** Does the work with the bytes of large files. */
  readonly coding: Coding;
  readonly logger: Logger;
}

/** How a file is checked. */
export interface CheckRequest {
  /** Whether every byte of every share is read. */
  readonly verify?: boolean | undefined;
  /** Whether the leases of this node on the file's good shares are renewed. */
  readonly addLease?: boolean | undefined;
  /** Limits the bandwidth. What is already on its way when it waits is not held up. */
  readonly pace?: Pace | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a file is repaired. */
export interface RepairRequest extends CheckRequest {
  /** What a check has found before: shares that it found wrong are believed to be, the rest is looked at again. */
  readonly checked?: CheckResults | undefined;
  /** Whether, by what was found, nothing is to be put back now though something is missing. */
  readonly putOff?: ((found: CheckResults) => Promise<boolean>) | undefined;
}

/** Looks after files that are there, with no more than the right to check them. */
export class FileCare {
  readonly #options: FileCareOptions;
  /** Memory of large buffers, which all transfers use again. */
  protected readonly buffers: BufferPool;

  constructor(options: FileCareOptions) {
    this.#options = options;
    this.buffers = new BufferPool(options.coding.buffer, options.memory.working.size);
  }

  /**
   * Looks how a file is doing: which shares of it servers hold, whether one of them is of the file that a capability
   * names and, with `verify`, whether every byte of all of them is right. Servers whose shares are wrong are told so.
   *
   * @param file a read capability counts as the verify capability in it; a literal is always healthy
   * @throws OverloadedError, NotEnoughMemoryError, or the signal's reason
   */
  async check(
    file: Capability | StorageIndexOnly,
    { verify = false, addLease = false, pace = unlimited, signal }: CheckRequest = {},
  ): Promise<CheckResults> {
    expectManyListeners(signal);
    if (file.kind === 'LIT') return literalResults();
    const { buffers } = this;
    return checkFile(checkedFile(file), {
      ...this.#options,
      buffers,
      verify,
      addLease,
      pace: untilUnwanted(pace, signal),
      signal,
    });
  }

  /**
   * Puts what a file lacks where it belongs: makes missing and wrong shares anew from any k good ones, spreads shares
   * that are piled on one server, and copies those that only leaving servers have. It takes no more than the right to
   * check the file.
   *
   * @param file a read capability counts as the verify capability in it; a literal lacks nothing
   * @throws NotRecoverableError, WrongCapabilityError, WrongFileError, OverloadedError, NotEnoughMemoryError, or the
   *   signal's reason; nothing stays half stored
   */
  async repair(
    file: Capability | StorageIndexOnly,
    { verify = false, addLease = false, checked, putOff, pace = unlimited, signal }: RepairRequest = {},
  ): Promise<RepairResults> {
    expectManyListeners(signal);
    if (file.kind === 'LIT') return nothingToRepair(literalResults());
    const knownCorrupt = checked?.corruptShares ?? [];
    const { buffers } = this;
    return repairFile(checkedFile(file), {
      ...this.#options,
      buffers,
      verify,
      addLease,
      knownCorrupt,
      proven: checked?.proven ?? false,
      putOff: putOff ?? (async () => false),
      pace: untilUnwanted(pace, signal),
      signal,
    });
  }
}

/** What a file is to be checked by: never more authority than that takes. */
function checkedFile(file: Exclude<Capability, { kind: 'LIT' }> | StorageIndexOnly): CheckedFile {
  return file.kind === 'storage-index' ? file : verifyCapabilityOf(file);
}
