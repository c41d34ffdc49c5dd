import { randomBytes } from 'node:crypto';
import { mostWholeShareBytes, type StoreAnswer, type WholeShares } from '@holdfast/lafs';
import type { Allocation, StorageServer } from '../connections/storage-server.js';
import { NotEnoughServersError, StorageServerError } from '../errors.js';
import { type Candidate, placeShares, serversOfHappiness } from '../placement/index.js';

/** What is to be placed. */
export interface UploadRequest {
  readonly storageIndex: Uint8Array;
  readonly required: number;
  readonly happy: number;
  readonly total: number;
  /** Bytes of one whole share. */
  readonly shareSize: number;
  /** Every share of a small file: servers that can take them whole get them instead of a request for room. */
  readonly whole?: WholeShares;
  /** Servers that are connected, but for which no grid manager vouches. */
  readonly passedOver: number;
  /** Servers that are connected, but are leaving the grid. */
  readonly leaving: number;
}

/** Where the shares of an upload are and go. */
export interface PlacedUpload {
  readonly uploadSecret: Uint8Array;
  /** Shares to write: share number to server, with room promised there. */
  readonly toWrite: ReadonlyMap<number, StorageServer>;
  /** Shares that are there: they were already, or came whole. Share number to server id. */
  readonly existing: ReadonlyMap<number, string>;
}

/** How often shares that a server did not take are placed anew. */
const rounds = 5;

/**
 * Finds a place for every share: places by servers of happiness, asks for the room, and places anew what was not
 * given, until all is placed or nothing more can be.
 *
 * Most files are new, so the first round asks for room as if no server held a share: an allocation's answer says
 * which shares are there already. That saves one of three round trips, a third of a small file's requests. Servers
 * that get no share are asked meanwhile what they hold.
 *
 * @param servers those connected, in the file's order of preference
 * @throws NotEnoughServersError; nothing stays promised then
 */
export async function placeUpload(
  servers: readonly StorageServer[],
  request: UploadRequest,
): Promise<PlacedUpload> {
  const { required, happy, total, shareSize, passedOver, leaving } = request;
  const upload = new Placing(servers.slice(0, Math.max(2 * total, 20)), request);
  await upload.firstRound();
  for (let round = 1; round < rounds && (await upload.nextRound()); round++);

  const { toWrite, existing } = upload;
  const holders = new Map([...existing].map(([share, id]) => [share, new Set([id])]));
  for (const [share, server] of toWrite) holders.set(share, new Set([server.id]));
  const happiness = serversOfHappiness(holders);
  if (happiness >= happy) return { uploadSecret: upload.uploadSecret, toWrite, existing };
  await upload.giveBack([...toWrite.keys()]);
  const used = new Set([...holders.values()].flatMap((ids) => [...ids])).size;
  const tooLarge = servers.filter(({ maximumShareSize }) => maximumShareSize < shareSize).length;
  const { reasons } = upload;
  if (tooLarge > 0) reasons.push(`${tooLarge} server(s) take no share of ${shareSize} bytes`);
  if (passedOver > 0)
    reasons.push(`${passedOver} connected server(s) have no valid certificate of a grid manager`);
  if (leaving > 0) reasons.push(`${leaving} connected server(s) are leaving the grid`);
  throw new NotEnoughServersError(used, happiness, required, happy, reasons);
}

interface Asked {
  readonly server: StorageServer;
  /** Shares that are there, and those whose room is promised to us. */
  readonly holds: Set<number>;
  writable: boolean;
}

/** An upload whose places are being found. */
class Placing {
  readonly uploadSecret = randomBytes(32);
  readonly toWrite = new Map<number, StorageServer>();
  readonly reasons: string[] = [];
  existing: ReadonlyMap<number, string> = new Map();
  readonly #asked = new Map<string, Asked>();
  readonly #request: UploadRequest;

  constructor(servers: readonly StorageServer[], request: UploadRequest) {
    this.#request = request;
    for (const server of servers) {
      const room = server.availableSpace === undefined || server.availableSpace >= request.shareSize;
      const writable = room && server.maximumShareSize >= request.shareSize;
      this.#asked.set(server.id, { server, holds: new Set(), writable });
    }
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

  /** Tells servers that room they promised is not needed. */
  async giveBack(shares: readonly number[]): Promise<void> {
    const { storageIndex } = this.#request;
    await Promise.allSettled(
      shares.map((share) => {
        const server = this.toWrite.get(share);
        this.toWrite.delete(share);
        this.#asked.get(server?.id ?? '')?.holds.delete(share);
        return server?.abort(storageIndex, share, this.uploadSecret);
      }),
    );
  }

  #candidates(): Candidate[] {
    return [...this.#asked.values()].map(({ server, holds, writable }) => ({
      id: server.id,
      writable,
      holds,
    }));
  }

  async #list(id: string): Promise<ReadonlySet<number> | undefined> {
    const entry = this.#asked.get(id);
    try {
      return await entry?.server.listShares(this.#request.storageIndex);
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
      for (const share of answer.alreadyHave) entry.holds.add(share);
      for (const share of answer.stored) if (wanted.has(share)) entry.holds.add(share);
      for (const share of answer.allocated) {
        if (!wanted.has(share)) continue;
        this.toWrite.set(share, server);
        entry.holds.add(share);
      }
      if ([...wanted].every((share) => entry.holds.has(share))) return;
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
