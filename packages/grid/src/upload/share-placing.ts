import { randomBytes } from 'node:crypto';
import { mostWholeShareBytes, type StoreAnswer, type WholeShares } from '@holdfast/lafs';
import { answerWithin } from '../connections/answer-within.js';
import type { Allocation, StorageServer } from '../connections/storage-server.js';
import { StorageServerError } from '../errors.js';
import { type Candidate, placeShares } from '../placement/index.js';

/** Which shares are to be placed. */
export interface PlacingRequest {
  readonly storageIndex: Uint8Array;
  readonly total: number;
  /** Bytes of one whole share. */
  readonly shareSize: number;
  /** Shares of a small file: servers that can take them whole get them instead of a request for room. */
  readonly whole?: WholeShares;
}

/** A server as far as it is known before it is asked. */
export interface PlacingServer {
  readonly server: StorageServer;
  /** Shares that it holds. */
  readonly holds?: ReadonlySet<number>;
  /** Shares that it has, and that are not what they should be: it takes no others of these numbers. */
  readonly refuses?: ReadonlySet<number>;
  /** Whether it may get shares; if not said, it may. */
  readonly mayTake?: boolean;
}

interface Asked {
  readonly server: StorageServer;
  /** Shares that are there, and those whose room is promised to us. */
  readonly holds: Set<number>;
  readonly refuses: Set<number>;
  writable: boolean;
}

/**
 * Shares whose places are being found: first by `firstRound` where nothing is known of what servers hold, then by
 * `nextRound` as long as something changes.
 */
export class SharePlacing {
  readonly uploadSecret = randomBytes(32);
  /** Shares to write: share number to the server that has promised room. */
  readonly toWrite = new Map<number, StorageServer>();
  /** Shares that were stored for good on the way: share number to server id. */
  readonly stored = new Map<number, string>();
  readonly reasons: string[] = [];
  existing: ReadonlyMap<number, string> = new Map();
  readonly #asked = new Map<string, Asked>();
  readonly #request: PlacingRequest;
  /** Whether what servers hold was known from the beginning. */
  readonly #looked: boolean;

  constructor(servers: readonly PlacingServer[], request: PlacingRequest) {
    this.#request = request;
    this.#looked = servers.some(({ holds }) => holds !== undefined);
    for (const { server, holds = [], refuses = [], mayTake = true } of servers) {
      const room = server.availableSpace === undefined || server.availableSpace >= request.shareSize;
      const writable = mayTake && room && server.maximumShareSize >= request.shareSize;
      this.#asked.set(server.id, { server, holds: new Set(holds), refuses: new Set(refuses), writable });
    }
  }

  /** The shares that are to be put somewhere, as far as is known now. */
  missing(): number[] {
    return [...placeShares(this.#candidates(), this.#request.total).uploads.keys()];
  }

  /** Asks every server: for room, or for what it holds. Room for a share that turns out to be there is given back. */
  async firstRound(): Promise<void> {
    const { uploads } = placeShares(this.#candidates(), this.#request.total);
    const idle = new Set(this.#asked.keys());
    for (const id of uploads.values()) idle.delete(id);
    const found = new Map<string, ReadonlySet<number>>();
    await Promise.all([
      this.#allocate(uploads, found),
      ...[...idle].map(async (id) => {
        const holds = await this.#list(id);
        if (holds) found.set(id, holds);
      }),
    ]);
    const there = new Set([...found.values()].flatMap((shares) => [...shares]));
    await this.giveBack([...this.toWrite.keys()].filter((share) => there.has(share)));
    for (const [id, holds] of found) {
      for (const share of holds) this.#asked.get(id)?.holds.add(share);
    }
  }

  /** Places what has no place yet. Resolves to whether there may be more to do. */
  async nextRound(): Promise<boolean> {
    const { existing, uploads } = placeShares(this.#candidates(), this.#request.total);
    this.existing = new Map([...existing].filter(([share]) => !this.toWrite.has(share)));
    const missing = new Map([...uploads].filter(([share]) => !this.toWrite.has(share)));
    if (missing.size === 0) return false;
    await this.#allocate(missing, new Map());
    return true;
  }

  /** A share that was to be written is stored. */
  written(share: number): void {
    const server = this.toWrite.get(share);
    if (server) this.stored.set(share, server.id);
    this.toWrite.delete(share);
  }

  /** The server that had room for a share has failed to take it: it is asked for nothing more. */
  lost(share: number, reason: Error): void {
    const entry = this.#asked.get(this.toWrite.get(share)?.id ?? '');
    this.released(share);
    this.reasons.push(reason.message);
    if (entry) entry.writable = false;
  }

  /** Room that was promised for a share is not held any more. */
  released(share: number): void {
    this.#asked.get(this.toWrite.get(share)?.id ?? '')?.holds.delete(share);
    this.toWrite.delete(share);
  }

  /** Tells servers that room they promised is not needed. */
  async giveBack(shares: readonly number[]): Promise<void> {
    const { storageIndex } = this.#request;
    await Promise.allSettled(
      shares.map((share) => {
        const server = this.toWrite.get(share);
        this.released(share);
        return server?.abort(storageIndex, share, this.uploadSecret);
      }),
    );
  }

  #candidates(): Candidate[] {
    return [...this.#asked.values()].map(({ server, ...entry }) => ({ id: server.id, ...entry }));
  }

  async #list(id: string): Promise<ReadonlySet<number> | undefined> {
    const entry = this.#asked.get(id);
    try {
      // The upload does not begin before all have answered.
      return await entry?.server.listShares(this.#request.storageIndex, undefined, answerWithin);
    } catch (error) {
      this.reasons.push((error as Error).message);
      this.#asked.delete(id);
      return undefined;
    }
  }

  /**
   * One request a server for all of its shares; a server that does not give all of it is not asked again.
   *
   * @param found takes what servers say they hold already
   */
  async #allocate(
    shares: ReadonlyMap<number, string>,
    found: Map<string, ReadonlySet<number>>,
  ): Promise<void> {
    const byServer = new Map<string, Set<number>>();
    for (const [share, id] of shares) byServer.set(id, (byServer.get(id) ?? new Set()).add(share));
    await Promise.all([...byServer].map(([id, wanted]) => this.#allocateAt(id, wanted, found)));
  }

  async #allocateAt(id: string, wanted: Set<number>, found: Map<string, ReadonlySet<number>>): Promise<void> {
    const { shareSize } = this.#request;
    const entry = this.#asked.get(id);
    if (!entry) return;
    const { server } = entry;
    try {
      const answer = await this.#ask(server, wanted);
      found.set(id, answer.alreadyHave);
      // It did not list such a share when it was asked what it holds: nobody can read it.
      for (const share of answer.alreadyHave) (this.#looked ? entry.refuses : entry.holds).add(share);
      for (const share of answer.stored) {
        if (!wanted.has(share)) continue;
        this.stored.set(share, id);
        entry.holds.add(share);
      }
      for (const share of answer.allocated) {
        if (!wanted.has(share)) continue;
        this.toWrite.set(share, server);
        entry.holds.add(share);
      }
      if ([...wanted].every((share) => entry.holds.has(share) || entry.refuses.has(share))) return;
      this.reasons.push(`${server.nickname}: no room for a share of ${shareSize} bytes`);
    } catch (error) {
      this.reasons.push((error as Error).message);
      this.#giveUpUnanswered(server, wanted, error);
    }
    entry.writable = false;
  }

  /** A server that has not answered may yet have promised room. Nobody waits for what it says to this. */
  #giveUpUnanswered(server: StorageServer, shares: ReadonlySet<number>, error: unknown): void {
    if (error instanceof StorageServerError && error.status !== undefined) return;
    for (const share of shares) {
      server.abort(this.#request.storageIndex, share, this.uploadSecret).catch(() => undefined);
    }
  }

  /** For room; or, where the shares are small and the server can, to store them at once. */
  async #ask(server: StorageServer, wanted: ReadonlySet<number>): Promise<Allocation & StoreAnswer> {
    const { storageIndex, shareSize, whole } = this.#request;
    if (whole && server.wholeShares && wanted.size * shareSize <= mostWholeShareBytes) {
      const shares = new Map([...whole].filter(([share]) => wanted.has(share)));
      return { ...(await server.store(storageIndex, shares)), allocated: new Set() };
    }
    const answer = await server.allocate(storageIndex, wanted, shareSize, this.uploadSecret);
    return { ...answer, stored: new Set() };
  }
}
