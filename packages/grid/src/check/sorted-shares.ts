import type { Logger } from '@holdfast/common/logging';
import type { FoundShare } from '../download/found-share.js';
import type { StorageServerError } from '../errors.js';
import type { CorruptShare, ShareLocation, UnansweredQuestion } from './check-results.js';
import { reportCorrupt } from './report-corrupt.js';

/** What looking at shares has shown. */
export interface ShareVerdicts {
  /** What is wrong with a share. */
  readonly wrong: ReadonlyMap<FoundShare, string>;
  /** Shares that their servers did not give. */
  readonly unread?: ReadonlyMap<FoundShare, StorageServerError>;
}

/** The shares that servers say they hold, with those set aside that turned out not to be what they should. */
export class SortedShares {
  readonly #storageIndex: Uint8Array;
  readonly #logger: Logger;
  readonly #wrong = new Map<FoundShare, string>();
  readonly #unread = new Map<FoundShare, StorageServerError>();
  #good: readonly FoundShare[];

  /** @param knownCorrupt shares that are set aside at once; their servers have been told already */
  constructor(
    found: readonly FoundShare[],
    {
      storageIndex,
      logger,
      knownCorrupt,
    }: { storageIndex: Uint8Array; logger: Logger; knownCorrupt: readonly CorruptShare[] },
  ) {
    this.#storageIndex = storageIndex;
    this.#logger = logger;
    const known = new Map(knownCorrupt.map((share) => [nameOf(share), share.reason]));
    for (const share of found) {
      const reason = known.get(nameOf(locate(share)));
      if (reason !== undefined) this.#wrong.set(share, reason);
    }
    this.#good = found.filter((share) => !this.#wrong.has(share));
  }

  /** Shares that are good as far as was looked. */
  get good(): readonly FoundShare[] {
    return this.#good;
  }

  get corrupt(): CorruptShare[] {
    return [...this.#wrong].map(([share, reason]) => ({ ...locate(share), reason }));
  }

  get notGiven(): UnansweredQuestion[] {
    return [...this.#unread].map(([{ shareNumber, server }, { message }]) => ({
      serverId: server.id,
      error: `${message} (share ${shareNumber})`,
    }));
  }

  /** Sets shares aside, and tells the servers of those that are wrong; nobody waits for their answers. */
  setAside({ wrong, unread = new Map() }: ShareVerdicts): void {
    for (const [share, reason] of wrong) {
      this.#wrong.set(share, reason);
      reportCorrupt(share, this.#storageIndex, reason, this.#logger);
    }
    for (const [share, error] of unread) this.#unread.set(share, error);
    this.#good = this.#good.filter((share) => !wrong.has(share) && !unread.has(share));
  }
}

/** Where a share that was found is. */
export function locate({ shareNumber, server }: FoundShare): ShareLocation {
  return { shareNumber, serverId: server.id };
}

function nameOf({ shareNumber, serverId }: ShareLocation): string {
  return `${shareNumber} ${serverId}`;
}
