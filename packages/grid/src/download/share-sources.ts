import type { Logger } from '@holdfast/common/logging';
import type { ChkReadCapability } from '@holdfast/lafs';
import { NotEnoughSharesError, StorageServerError } from '../errors.js';
import type { FileDescription } from './file-description.js';
import { describeShare, type FoundShare } from './found-share.js';
import type { ShareFinder } from './share-finder.js';
import { ShareReader } from './share-reader.js';

/**
 * The shares that a download reads from. It keeps as many open as the file needs, opens another when one fails or
 * is slow, and remembers what was wrong with each that was given up.
 */
export class ShareSources {
  readonly #capability: ChkReadCapability;
  readonly #storageIndex: Uint8Array;
  readonly #finder: ShareFinder;
  readonly #logger: Logger;
  readonly #open: ShareReader[] = [];
  readonly #tried = new Set<FoundShare>();
  readonly #slow: FoundShare[] = [];
  readonly #reasons: string[] = [];
  #description: FileDescription | undefined;
  #opening: Promise<unknown> = Promise.resolve();

  constructor(capability: ChkReadCapability, storageIndex: Uint8Array, finder: ShareFinder, logger: Logger) {
    this.#capability = capability;
    this.#storageIndex = storageIndex;
    this.#finder = finder;
    this.#logger = logger;
  }

  /** The shares that are open and good as far as known, best first. */
  get open(): readonly ShareReader[] {
    return this.#open;
  }

  /**
   * Opens the file's first k shares.
   *
   * @returns what they say of the file
   * @throws NotEnoughSharesError
   */
  async start(): Promise<FileDescription> {
    const { required } = this.#capability;
    while (this.#open.length < required) {
      const missing = required - this.#open.length;
      const chosen = await this.#choose(missing);
      if (chosen.length < missing) throw this.notEnough();
      await Promise.all(chosen.map((share) => this.#tryToOpen(share)));
    }
    const description = this.#description;
    if (!description) throw this.notEnough();
    return description;
  }

  /**
   * Opens one more share, of a number that no open share has. Calls take turns, so that several segments that miss
   * the same server open one share together, not one each.
   *
   * @param enough asked when its turn has come: whether somebody else has opened enough by then
   * @returns false where there is no other share to try
   */
  more(enough: () => boolean): Promise<boolean> {
    const turn = this.#opening.then(async () => {
      for (;;) {
        if (enough()) return true;
        const [share] = await this.#choose(1);
        if (!share) return false;
        if (await this.#tryToOpen(share)) return true;
      }
    });
    this.#opening = turn.catch(() => undefined);
    return turn;
  }

  /** Gives up a share that failed; a share whose bytes are wrong is reported to its server. */
  drop(reader: ShareReader, error: Error): void {
    const index = this.#open.indexOf(reader);
    if (index < 0) return;
    this.#open.splice(index, 1);
    this.#giveUp(reader.share, error);
  }

  /** Puts a share that is slow behind all others: it is tried again when there is no other. */
  demote(reader: ShareReader): void {
    const index = this.#open.indexOf(reader);
    if (index < 0) return;
    this.#open.splice(index, 1);
    this.#slow.push(reader.share);
    this.#logger.debug({ share: describeShare(reader.share) }, 'a share is slow; reading another instead');
  }

  notEnough(): NotEnoughSharesError {
    const reasons = [...new Set([...this.#reasons, ...this.#finder.reasons])].slice(0, 10);
    return new NotEnoughSharesError(this.#open.length, this.#capability.required, reasons);
  }

  /** Up to `count` shares to open: those that need no decoding first, and of servers that serve nothing else yet. */
  async #choose(count: number): Promise<FoundShare[]> {
    const openNumbers = new Set(this.#open.map(({ share }) => share.shareNumber));
    const untried = (share: FoundShare) => !this.#tried.has(share) && !openNumbers.has(share.shareNumber);
    await this.#finder.enough(count, untried);
    const chosen: FoundShare[] = [];
    const candidates = this.#finder.found.filter(untried);
    while (chosen.length < count) {
      const busy = new Set([
        ...this.#open.map(({ share }) => share.server),
        ...chosen.map(({ server }) => server),
      ]);
      const numbers = new Set(chosen.map(({ shareNumber }) => shareNumber));
      const cost = ({ shareNumber, server }: FoundShare) =>
        (busy.has(server) ? 1_000 : 0) + (shareNumber < this.#capability.required ? 0 : 1);
      let best: FoundShare | undefined;
      for (const share of candidates) {
        if (numbers.has(share.shareNumber)) continue;
        if (!best || cost(share) < cost(best)) best = share;
      }
      best ??= this.#slow.shift();
      if (!best) break;
      chosen.push(best);
      this.#tried.add(best);
    }
    return chosen;
  }

  async #tryToOpen(share: FoundShare): Promise<boolean> {
    try {
      const reader = await ShareReader.open(share, this.#storageIndex, this.#capability, this.#description);
      // The first description wins; all that get here are the same, since their hash is.
      this.#description ??= reader.description;
      this.#open.push(reader);
      return true;
    } catch (error) {
      this.#giveUp(share, error as Error);
      return false;
    }
  }

  #giveUp(share: FoundShare, error: Error): void {
    const reason = `${describeShare(share)}: ${error.message}`;
    this.#reasons.push(reason);
    this.#logger.warn({ reason }, 'a share could not be used');
    if (error instanceof StorageServerError) return;
    share.server
      .reportCorruption(this.#storageIndex, share.shareNumber, error.message)
      .catch((failure: Error) => {
        this.#logger.debug({ reason: failure.message }, 'a corruption report was not taken');
      });
  }
}
