import type { ByteRange, ShareAddress } from '@holdfast/lafs';
import type { ExaminedShare } from './examine-share.js';

/** Where share bytes live. Knows nothing of accounts, secrets or Postgres. */
export interface ShareBackend {
  /**
   * Makes it ready for uploads, and clears away those that a killed process left: for the one process that serves it.
   * Whoever only walks, inspects and removes needs no `open`.
   */
  open(): Promise<void>;
  /** Begins a share. Nothing is stored of it before its first write, and nothing shows before `place`. */
  begin(share: ShareAddress, contents: NewShare): IncomingShare;
  /** The numbers of the whole, readable immutable shares of a storage index. */
  list(storageIndex: Uint8Array): Promise<ReadonlySet<number>>;
  /** The numbers of the files that are named as shares of a storage index, whatever is in them: cheaper than `list`. */
  shareFiles(storageIndex: Uint8Array): Promise<ReadonlySet<number>>;
  /** Opens a share for reading; undefined where there is none. Call `release` when done. */
  read(share: ShareAddress): Promise<StoredShare | undefined>;
  /**
   * All shares there are, some thousand at a time, section by section; within a section in no order. What lies in a
   * folder that cannot be read is passed over, and the folder is told of.
   *
   * @param from the section to begin with, 0 to 1023
   */
  walk(from?: number): AsyncIterable<WalkedShares>;
  /** Looks into shares; those that are not there, or not whole, are left out. */
  inspect(shares: readonly ShareAddress[]): Promise<readonly InspectedShare[]>;
  /**
   * Opens a share of either kind to read all of it once, without keeping others from what they have open. Call `close`
   * when done.
   *
   * @returns undefined where there is none
   * @throws MalformedContainerError, ShareCutShortError, or the system's error
   */
  examine(share: ShareAddress): Promise<ExaminedShare | undefined>;
  /**
   * Removes shares. One that is not there is removed already; one that is being read stays readable to its reader.
   *
   * @returns for each why it is still there; undefined where it is not
   */
  remove(shares: readonly ShareAddress[]): Promise<readonly (RemovalFailure | undefined)[]>;
  /** A small file that is kept beside the shares; undefined where there is none of this name. */
  readNote(name: string): Promise<Uint8Array | undefined>;
  /** Writes a small file beside the shares, or writes it anew: whole, or not at all. Durable when this resolves. */
  writeNote(name: string, contents: Uint8Array): Promise<void>;
  /** Bytes that could still be written, before any reserve. */
  freeSpace(): Promise<number>;
  /** Bytes that a share of so much data takes. */
  spaceFor(dataSize: number): number;
  close(): Promise<void>;
}

/** What is known of a share when it begins. */
export interface NewShare {
  /** Bytes of data it will have. */
  readonly dataSize: number;
  readonly lease: NewLease;
}

/** The lease that is kept beside a share, so that a lost lease database can be made again. */
export interface NewLease {
  /** Key of the account that has it. */
  readonly owner: number;
  /** 32 bytes as the client sent them; they are not kept in the clear. */
  readonly renewSecret: Uint8Array;
  readonly cancelSecret: Uint8Array;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** A share on its way in. Writes may come in any order; those at the same time must not overlap. */
export interface IncomingShare {
  /** Writes data. `begin` counts from the start of the data. Rejects with the system's error, such as ENOSPC. */
  write(begin: number, chunks: readonly Uint8Array[]): Promise<void>;
  /** Reads back what was written. */
  readBack(range: ByteRange): Promise<Uint8Array>;
  /** Makes the share durable and puts it where it is found. Once it has done so, calling again does nothing. */
  place(): Promise<void>;
  /** Places a share that came whole in one write once more, after somebody removed it. Rejects for any other. */
  placeAgain(): Promise<void>;
  /** Lets go of what `readBack` needs; after `place`. */
  release(): Promise<void>;
  /** Forgets the share and what was written of it, unless it was placed. */
  discard(): Promise<void>;
}

/** A share open for reading. */
export interface StoredShare {
  /** Bytes of data. */
  readonly size: number;
  /** Reads a range that lies within the data. */
  read(range: ByteRange): Promise<Uint8Array>;
  release(): void;
}

/** Some of the shares whose storage indexes have the same first ten bits, which are the section's number. */
export interface WalkedShares {
  readonly section: number;
  readonly shares: readonly ShareAddress[];
  /** What of the section could not be looked into, as far as was found since the page before. */
  readonly unreadable: readonly UnreadableFolder[];
}

/** A folder that the disk cannot read, or this user may not. Nobody knows whether there are shares in it, and which. */
export interface UnreadableFolder {
  /** Its path below the share folder. */
  readonly folder: string;
  /** One line. */
  readonly problem: string;
  /** The first storage index whose shares may be in it. */
  readonly first: Uint8Array;
  /** The last one. */
  readonly last: Uint8Array;
}

/** Written once, or read and written again and again by whoever has its write enabler. */
export type ShareKind = 'immutable' | 'mutable';

/** What a share's container tells. */
export interface InspectedShare extends ShareAddress {
  readonly kind: ShareKind;
  /** Bytes of data. */
  readonly size: number;
  /** The owners of its leases, but for nobody in particular (0). A server of ours writes keys of accounts. */
  readonly owners: readonly number[];
}

/** Why a share could not be removed: the system's error. */
export interface RemovalFailure {
  readonly code: string;
  readonly message: string;
}
