import type {
  AnnounceAnswer,
  SignedAnnouncement,
  VerifiedAnnouncement,
} from '@holdfast/common/announcements';

/** A server announces itself every ten minutes, and after each reconnection: this leaves it much room. */
const mostAtOnce = 20;
const oneMoreEvery = 3_000;
const mostRemembered = 10_000;
/** Postgres is asked again after so long: what it knew may have been forgotten there. */
const believedFor = 30_000;

const refusal = {
  refused: `too many announcements: at most ${mostAtOnce} at once, and one every ${oneMoreEvery / 1000} seconds`,
} as const;

/** What is remembered of a server that announced itself. */
interface Recent {
  seqnum: number;
  /** What Postgres has of that seqnum; undefined where it was not asked since. */
  signed: SignedAnnouncement | undefined;
  /** When Postgres was asked last about that seqnum. */
  asked: number;
  /** How many more it may announce at `since`. */
  left: number;
  since: number;
}

/**
 * What the introducer can say of an announcement without asking Postgres, so that no key can keep it busy. Only the
 * holder of a key can use up what that key may announce: what others say again of it is recognised as old.
 */
export class AnnouncementRate {
  readonly #recent = new Map<string, Recent>();
  readonly #now: () => number;

  /** @param now milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The answer to one whose signature is not checked yet, where there is one already. */
  beforeChecking({ key, message, signature }: SignedAnnouncement): AnnounceAnswer | undefined {
    const recent = this.#recent.get(key);
    if (!recent) return undefined;
    const { signed } = recent;
    const isKnown = signed?.message === message && signed.signature === signature;
    if (isKnown && this.#isFresh(recent)) return { accepted: true };
    // To ask again about what is known costs its server nothing.
    if (isKnown) return undefined;
    return this.#left(recent) < 1 ? refusal : undefined;
  }

  /** The answer to one whose signature holds, where there is one already. Otherwise it counts. */
  afterChecking({ serverId, seqnum }: VerifiedAnnouncement): AnnounceAnswer | undefined {
    const recent = this.#recent.get(serverId) ?? this.#begin(serverId);
    if (seqnum <= recent.seqnum && !this.#isFresh(recent)) {
      // One at a time: until the answer is here, others who say the same are not known to be right.
      recent.signed = undefined;
      recent.asked = this.#now();
      // What was higher may have been forgotten there: of a server whose clock was ahead.
      recent.seqnum = seqnum;
      return undefined;
    }
    if (seqnum <= recent.seqnum) return staleAnswer(seqnum, recent.seqnum);
    const left = this.#left(recent);
    if (left < 1) return refusal;
    recent.left = left - 1;
    recent.since = this.#now();
    return undefined;
  }

  /** Remembers the newest that is known of a server. */
  note(serverId: string, seqnum: number, signed?: SignedAnnouncement): void {
    const recent = this.#recent.get(serverId);
    if (!recent || seqnum < recent.seqnum) return;
    recent.seqnum = seqnum;
    recent.signed = signed;
    recent.asked = this.#now();
  }

  #isFresh({ asked }: Recent): boolean {
    return this.#now() - asked < believedFor;
  }

  #left({ left, since }: Recent): number {
    return Math.min(mostAtOnce, left + (this.#now() - since) / oneMoreEvery);
  }

  #begin(serverId: string): Recent {
    const now = this.#now();
    const recent = { seqnum: -1, signed: undefined, asked: now, left: mostAtOnce, since: now };
    this.#recent.set(serverId, recent);
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= mostRemembered) break;
      this.#recent.delete(oldest);
    }
    return recent;
  }
}

/** What a server is told whose seqnum is not the newest, so that its next one is. */
export function staleAnswer(seqnum: number, newest: number): AnnounceAnswer {
  return { refused: `seqnum ${seqnum} is not above ${newest}`, newest };
}
