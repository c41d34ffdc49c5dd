import type { ChkVerifyCapability } from '@holdfast/lafs';

/** A file by what is known of it: its verify capability, or only where its shares lie. */
export type CheckedFile = ChkVerifyCapability | StorageIndexOnly;

/** Nothing but a storage index of 16 bytes: what the file is, its shares say themselves, as far as they agree. */
export interface StorageIndexOnly {
  readonly kind: 'storage-index';
  readonly storageIndex: Uint8Array;
}

/** One share on one server. */
export interface ShareLocation {
  readonly shareNumber: number;
  readonly serverId: string;
}

/** A share that is not what it should be, in one line. */
export interface CorruptShare extends ShareLocation {
  readonly reason: string;
}

/** A server that could not say what it holds, in one line. */
export interface UnansweredQuestion {
  readonly serverId: string;
  readonly error: string;
}

/** Such a server, and how likely it is that it holds shares of the file. */
export interface FailedServer extends UnansweredQuestion {
  /** Its place in the file's order of preference among all servers that are known, from 0. */
  readonly place: number;
}

/** How a file is doing. A literal, which has no shares, has the number 0 and nothing everywhere, and is healthy. */
export interface CheckResults {
  /** 16 bytes; none for a literal. */
  readonly storageIndex: Uint8Array;
  /** What the file is: by a capability, or as its shares agreed on; undefined where they did not, and for a literal. */
  readonly capability: ChkVerifyCapability | undefined;
  /** Whether a capability said what the file is. Else whoever made up enough shares is believed. */
  readonly authenticated: boolean;
  /** Whether a capability was given, and the URI extension block of a share is the one that it names. */
  readonly proven: boolean;
  /**
   * Whether the shares agree on a file that is not the one of the capability that was given. Then it is that which is
   * wrong, as far as anybody can tell: none of them is good, and none called corrupt. `defect` says it in words.
   */
  readonly wrongCapability: boolean;
  /** Whether every byte of every share was read. Else servers are believed what they say they hold. */
  readonly verified: boolean;
  /** k; undefined where nothing says it. */
  readonly needed: number | undefined;
  /** n; undefined where nothing says it. */
  readonly expected: number | undefined;
  /** Good as far as was looked, on servers that stay, by share number. One share may be on several. */
  readonly goodShares: readonly ShareLocation[];
  /** As good, but on servers that are leaving: they can be read, and do not count for the file's health. */
  readonly leavingShares: readonly ShareLocation[];
  readonly corruptShares: readonly CorruptShare[];
  /** Ids of servers that said what they hold, in the file's order of preference. */
  readonly serversResponding: readonly string[];
  /** Servers that are known and did not, also those that are not connected. */
  readonly serversFailed: readonly FailedServer[];
  /** What is wrong with the file though its shares are good, in one line: nobody can read or repair it. */
  readonly defect?: string | undefined;
  /** Different share numbers among the good shares. */
  readonly goodShareCount: number;
  /** Servers with good shares. */
  readonly goodShareHosts: number;
  /** Servers of happiness of the good shares. */
  readonly happiness: number;
  /** Whether all n shares are good. How they are spread does not enter, as with the peer. */
  readonly healthy: boolean;
  /** Whether k different shares are good, those on leaving servers included. */
  readonly recoverable: boolean;
}

/** What a check has found, to be counted. */
export interface CheckFindings {
  readonly storageIndex: Uint8Array;
  readonly capability: ChkVerifyCapability | undefined;
  readonly authenticated: boolean;
  readonly proven: boolean;
  readonly wrongCapability: boolean;
  readonly verified: boolean;
  readonly goodShares: readonly ShareLocation[];
  readonly leavingShares: readonly ShareLocation[];
  readonly corruptShares: readonly CorruptShare[];
  readonly serversResponding: readonly string[];
  readonly serversFailed: readonly FailedServer[];
  readonly defect?: string | undefined;
}
