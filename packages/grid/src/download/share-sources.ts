import { type JoinedSignal, joinSignals } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import { type ChkCapability, verifyCapabilityOf } from '@holdfast/lafs';
import { proveCapability } from '../check/prove-capability.js';
import { reportCorrupt } from '../check/report-corrupt.js';
import { NotEnoughSharesError, StorageServerError } from '../errors.js';
import type { BufferPool } from '../memory/buffer-pool.js';
import { unlimited } from '../repair/pace.js';
import type { FileDescription } from './file-description.js';
import { describeShare, type FoundShare, type ShareSupply } from './found-share.js';
import { RestingShares } from './resting-shares.js';
import { ShareReader } from './share-reader.js';

/** How long a share that is being opened is waited for before another is opened instead, in milliseconds. */
const slowToOpen = 1_000;

/** One for all: to abort without a reason makes an error with its stack. */
const unread = new Error('nothing is read of the file any more');

/** How long it may take to find out whether shares are in doubt or the capability is, all together, in milliseconds. */
const doubtWithin = 10_000;

/**
 * The shares that a download reads from. It keeps as many open as the file needs, opens another when one fails or
 * is slow, and remembers what was wrong with each that was given up.
 */
export class ShareSources {
  readonly #capability: ChkCapability;
  readonly #storageIndex: Uint8Array;
  readonly #finder: ShareSupply;
  readonly #logger: Logger;
  readonly #signal: AbortSignal | undefined;
  readonly #buffers: BufferPool | undefined;
  readonly #open: ShareReader[] = [];
  /** Open too, but slow: for when there is no other. */
  readonly #slow: ShareReader[] = [];
  readonly #tried = new Set<FoundShare>();
  readonly #resting = new RestingShares();
  /** From then on a share that is lost is not given up at once: what was read would be for nothing. */
  #started = false;
  readonly #givenUp = new Map<FoundShare, Error>();
  /** Shares that do not lead to the capability, while none has shown that it is not the capability which is wrong. */
  readonly #doubted = new Map<FoundShare, Error>();
  readonly #reasons: string[] = [];
  readonly #news = new News();
  /** How many shares are being opened, also those that are not waited for any more. */
  #beingOpened = 0;
  #description: FileDescription | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #ending: JoinedSignal;
  readonly #closing = new AbortController();

  /**
   * @param signal ends the download: its servers answer nothing after that
   * @param buffers memory for blocks, for whoever releases them
   */
  constructor(
    capability: ChkCapability,
    storageIndex: Uint8Array,
    finder: ShareSupply,
    logger: Logger,
    signal: AbortSignal | undefined,
    buffers?: BufferPool,
  ) {
    this.#signal = signal;
    this.#ending = joinSignals(signal ? [signal, this.#closing.signal] : [this.#closing.signal]);
    this.#buffers = buffers;
    this.#capability = capability;
    this.#storageIndex = storageIndex;
    this.#finder = finder;
    this.#logger = logger;
  }

  /** The shares that could not be used, and why. */
  get givenUp(): ReadonlyMap<FoundShare, Error> {
    return this.#givenUp;
  }

  /** Whether every share that was to be read was given by its server, as far as is known. */
  get allGiven(): boolean {
    return this.#givenUp.size === 0 && !this.#resting.any;
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
    await this.#finder.enough(required);
    while (this.#open.length < required) {
      this.#signal?.throwIfAborted();
      const chosen = this.#choose(required - this.#open.length);
      if (chosen.length > 0) await Promise.all(chosen.map((share) => this.#tryToOpen(share)));
      else if (!(await this.#somethingNew())) throw await this.#notStarted();
    }
    const description = this.#description;
    if (!description) throw await this.#notStarted();
    this.#started = true;
    return description;
  }

  /**
   * Makes one more share ready, of a number that no open share has. Calls take turns, so that several segments that
   * miss the same server open one share together, not one each.
   *
   * @param enough asked when its turn has come, and again after that: whether there is enough by now
   * @returns false where there is no other share to try
   */
  async more(enough: () => boolean): Promise<boolean> {
    for (;;) {
      this.#ending.signal.throwIfAborted();
      await this.#inTurn(async () => {
        if (enough()) return;
        for (const share of this.#resting.takeRested()) this.#tried.delete(share);
        const [share] = this.#choose(1);
        if (share) await this.#tryToOpen(share);
        else this.#useSlow();
      });
      if (enough()) return true;
      // Waiting is not done in turn: whoever comes meanwhile may find what is good enough for them.
      if (this.#slow.length === 0 && !this.#untried() && !(await this.#somethingNew())) return false;
    }
  }

  /**
   * To be called when nothing is read any more: openings that hang would go on taking turns of their servers, which
   * others wait for.
   */
  close(): void {
    this.#closing.abort(unread);
    this.#ending.release();
  }

  /**
   * Gives up a share that failed; a share whose bytes are wrong is reported to its server. One whose server could not be
   * reached is used again, after a rest, where there is no other.
   */
  drop(reader: ShareReader, error: Error): void {
    if (take(this.#open, reader) || take(this.#slow, reader)) this.#lose(reader.share, error);
  }

  /**
   * Puts a share that is slow behind all others: it is used again when there is no other.
   *
   * @returns whether that is news
   */
  demote(reader: ShareReader): boolean {
    if (!take(this.#open, reader)) return false;
    this.#slow.push(reader);
    this.#news.tell();
    this.#logger.debug({ share: describeShare(reader.share) }, 'a share is slow; reading another instead');
    return true;
  }

  /** Says how many shares, counted by their numbers, were found and not given up. */
  notEnough(): NotEnoughSharesError {
    const good = this.#finder.found.filter((share) => !this.#givenUp.has(share));
    const found = new Set(good.map(({ shareNumber }) => shareNumber)).size;
    const reasons = [...new Set([...this.#reasons, ...this.#finder.reasons])].slice(0, 10);
    return new NotEnoughSharesError(found, this.#capability.required, reasons);
  }

  /** Tells servers of the shares that are in doubt, unless these agree on another file: then the capability is wrong. */
  async #notStarted(): Promise<NotEnoughSharesError> {
    if (this.#doubted.size > 0 && (await this.#isCapabilityRight())) this.#tellDoubted();
    return this.notEnough();
  }

  /** Asks each server for one of its shares that are in doubt: whoever claims many is not waited for many times. */
  async #isCapabilityRight(): Promise<boolean> {
    const asked = new Map<string, FoundShare>();
    for (const share of this.#doubted.keys())
      if (!asked.has(share.server.id)) asked.set(share.server.id, share);
    const { signal, release } = joinSignals(this.#signal ? [this.#signal] : [], doubtWithin);
    try {
      const capability = verifyCapabilityOf(this.#capability);
      const proof = await proveCapability(capability, [...asked.values()], { signal, pace: unlimited });
      return !proof.wrongCapability;
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (!signal.aborted) throw error;
      // Not known: a server that is right would be told that it is wrong.
      return false;
    } finally {
      release();
    }
  }

  #tellDoubted(): void {
    for (const [share, { message }] of this.#doubted)
      reportCorrupt(share, this.#storageIndex, message, this.#logger);
    this.#doubted.clear();
  }

  /** Waits until a share was found, opened, given up, found slow or has rested; false where nothing of it can come any more. */
  async #somethingNew(): Promise<boolean> {
    const rested = this.#resting.next(this.#ending.signal);
    if (this.#beingOpened === 0 && this.#finder.finish() && !rested) return false;
    await Promise.race([this.#news.next, this.#finder.nextAnswer(), ...(rested ? [rested] : [])]);
    return true;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** The shares found that could be opened. */
  #candidates(): FoundShare[] {
    const there = new Set([...this.#open, ...this.#slow].map(({ share }) => share.shareNumber));
    return this.#finder.found.filter((share) => !this.#tried.has(share) && !there.has(share.shareNumber));
  }

  #untried(): boolean {
    return this.#candidates().length > 0;
  }

  /** Up to `count` shares to open: those that need no decoding first, and of servers that serve nothing else yet. */
  #choose(count: number): FoundShare[] {
    const chosen: FoundShare[] = [];
    const candidates = this.#candidates();
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
      if (!best) break;
      chosen.push(best);
      this.#tried.add(best);
    }
    return chosen;
  }

  /** Uses that of the slow shares again which answered last: another may have fallen silent for good. */
  #useSlow(): void {
    const [latest] = this.#slow.toSorted((a, b) => b.answeredAt - a.answeredAt);
    if (latest && take(this.#slow, latest)) this.#open.push(latest);
  }

  /** Opens a share, or gives it up. One that is slow is not waited for, but taken in whenever it is open. */
  async #tryToOpen(share: FoundShare): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const slow = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, slowToOpen);
    });
    await Promise.race([this.#openShare(share), slow]);
    clearTimeout(timer);
  }

  async #openShare(share: FoundShare): Promise<void> {
    this.#beingOpened++;
    try {
      const reader = await ShareReader.open(share, this.#storageIndex, this.#capability, {
        known: this.#description,
        buffers: this.#buffers,
        signal: this.#ending.signal,
      });
      // The first description wins; all that get here are the same, since their hash is.
      this.#description ??= reader.description;
      this.#tellDoubted();
      reader.goBy(this.#description);
      // While this one was slow another of its number may have been opened.
      const isOpen = this.#open.some((open) => open.share.shareNumber === share.shareNumber);
      (isOpen ? this.#slow : this.#open).push(reader);
    } catch (error) {
      this.#lose(share, error as Error);
    }
    this.#beingOpened--;
    this.#news.tell();
  }

  /** Lets a share rest, or gives it up. */
  #lose(share: FoundShare, error: Error): void {
    const isAway = error instanceof StorageServerError && error.code === 'unreachable';
    if (this.#started && isAway && this.#resting.add(share))
      this.#logger.info(
        { share: describeShare(share), reason: error.message },
        'the server of a share cannot be reached; it is read again later where there is no other',
      );
    else this.#giveUp(share, error);
  }

  #giveUp(share: FoundShare, error: Error): void {
    if (this.#ending.signal.aborted) return;
    this.#givenUp.set(share, error);
    const reason = `${describeShare(share)}: ${error.message}`;
    this.#reasons.push(reason);
    if (error instanceof StorageServerError) this.#logger.warn({ reason }, 'a share could not be used');
    else {
      this.#doubted.set(share, error);
      if (this.#description) this.#tellDoubted();
    }
  }
}

/** Lets any number wait for the next thing that happens. */
class News {
  #tell: () => void = () => undefined;
  #next = this.#renew();

  get next(): Promise<void> {
    return this.#next;
  }

  tell(): void {
    this.#tell();
    this.#next = this.#renew();
  }

  #renew(): Promise<void> {
    return new Promise((resolve) => {
      this.#tell = resolve;
    });
  }
}

/** Takes a share out of a list; says whether it was there. */
function take(list: ShareReader[], reader: ShareReader): boolean {
  const index = list.indexOf(reader);
  if (index >= 0) list.splice(index, 1);
  return index >= 0;
}
