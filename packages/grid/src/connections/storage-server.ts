import type { FileAnswer, FileQuestion, SharesAnswer, StoreAnswer, WholeShares } from '@holdfast/lafs';

/** What an allocation brought: share numbers to write, and those that are there already. */
export interface Allocation {
  readonly allocated: ReadonlySet<number>;
  readonly alreadyHave: ReadonlySet<number>;
}

/**
 * One storage server as upload and download use it. Every method rejects with a StorageServerError, and none waits
 * for ever. With the signal a request ends at once, with the code `aborted`. So it does after `within` milliseconds, counted
 * from when the server is asked: less than its usual time, after which it is not yet taken for unreachable.
 */
export interface StorageServer {
  /** `v0-…`, or whatever a static clause calls it. */
  readonly id: string;
  readonly nickname: string;
  /** Orders servers for each file (docs: the permuted ring); 32 bytes for a `v0-` id. */
  readonly permutationSeed: Uint8Array;
  /** Bytes that it says it has left for new shares; undefined where it does not say. */
  readonly availableSpace: number | undefined;
  /** The largest share it takes, in bytes. */
  readonly maximumShareSize: number;

  /** Whether its operator is taking it away: what it holds can be read, and does not count for the future. */
  readonly leaving: boolean;

  /** Whether it takes and gives small shares whole, by our extension of the protocol (docs/protocol.md). */
  readonly wholeShares: boolean;

  /** Whether it can be asked for the shares of many files in one request, by another extension of ours. */
  readonly findMany: boolean;

  /** The share numbers it holds of a file. */
  listShares(storageIndex: Uint8Array, signal?: AbortSignal, within?: number): Promise<ReadonlySet<number>>;

  /**
   * Asks for room for shares of `shareSize` bytes each.
   *
   * @param uploadSecret the same in every request of an upload; no server is told it, but one of its own made of it
   */
  allocate(
    storageIndex: Uint8Array,
    shareNumbers: ReadonlySet<number>,
    shareSize: number,
    uploadSecret: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Allocation>;

  /** Stores small shares for good, in one request. Only where it has `wholeShares`. */
  store(storageIndex: Uint8Array, shares: WholeShares, signal?: AbortSignal): Promise<StoreAnswer>;

  /**
   * The shares it holds of a file, small ones with their data. Only where it has `wholeShares`.
   *
   * @param most bytes of data that are wanted, which a server that has `findMany` keeps to; where not given it is asked for
   *   this file by itself, and gives as much as one answer holds
   */
  readWhole(
    storageIndex: Uint8Array,
    signal?: AbortSignal,
    within?: number,
    most?: number,
  ): Promise<SharesAnswer>;

  /**
   * What it holds of many files, in their order. Only where it has `findMany`. Whoever asks for one file uses `listShares` or
   * `readWhole`, which put together what is asked at the same time.
   */
  findShares(questions: readonly FileQuestion[], signal?: AbortSignal): Promise<readonly FileAnswer[]>;

  /** Writes part of a share; resolves to whether the share is now complete and stored for good. */
  write(
    storageIndex: Uint8Array,
    shareNumber: number,
    offset: number,
    data: Uint8Array,
    uploadSecret: Uint8Array,
    signal?: AbortSignal,
  ): Promise<boolean>;

  /** Gives up a share that is not complete. */
  abort(storageIndex: Uint8Array, shareNumber: number, uploadSecret: Uint8Array): Promise<void>;

  /**
   * The bytes from `start` up to `end` (exclusive) of a share; fewer where the share ends before.
   *
   * @param room of so many bytes, where an answer of just that size goes. Nothing is written to it when this has settled
   */
  read(
    storageIndex: Uint8Array,
    shareNumber: number,
    start: number,
    end: number,
    signal?: AbortSignal,
    within?: number,
    room?: Uint8Array,
  ): Promise<Uint8Array>;

  /** Gives our account a lease on all shares of a file that it holds, from now on; refused with 404 if there are none. */
  renewLease(storageIndex: Uint8Array, signal?: AbortSignal): Promise<void>;

  /** Tells the server's operator that one of its shares is not what it should be. */
  reportCorruption(storageIndex: Uint8Array, shareNumber: number, reason: string): Promise<void>;
}
