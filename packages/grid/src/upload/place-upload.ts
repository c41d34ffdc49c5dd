import { randomBytes } from 'node:crypto';
import type { StorageServer } from '../connections/storage-server.js';
import { NotEnoughServersError } from '../errors.js';
import { type Candidate, placeShares, serversOfHappiness } from '../placement/index.js';

/** What is to be placed. */
export interface UploadRequest {
  readonly storageIndex: Uint8Array;
  readonly required: number;
  readonly happy: number;
  readonly total: number;
  /** Bytes of one whole share. */
  readonly shareSize: number;
}

/** Where the shares of an upload are and go. */
export interface PlacedUpload {
  readonly uploadSecret: Uint8Array;
  /** Shares to write: share number to server, with room promised there. */
  readonly toWrite: ReadonlyMap<number, StorageServer>;
  /** Shares that are there already: share number to server id. */
  readonly existing: ReadonlyMap<number, string>;
}

/** How often shares that a server did not take are placed anew. */
const rounds = 5;

/**
 * Finds a place for every share: asks what the servers hold, places by servers of happiness, asks for the room, and
 * places anew what was not given, until all is placed or nothing more can be.
 *
 * @param servers those connected, in the file's order of preference
 * @throws NotEnoughServersError; nothing stays promised then
 */
export async function placeUpload(
  servers: readonly StorageServer[],
  request: UploadRequest,
): Promise<PlacedUpload> {
  const { storageIndex, required, happy, total, shareSize } = request;
  const uploadSecret = randomBytes(32);
  const reasons: string[] = [];
  const asked = await askHoldings(
    servers.slice(0, Math.max(2 * total, 20)),
    storageIndex,
    shareSize,
    reasons,
  );
  const toWrite = new Map<number, StorageServer>();
  let existing = new Map<number, string>();

  for (let round = 0; round < rounds; round++) {
    const placement = placeShares([...asked.values()].map(asCandidate), total);
    existing = new Map(placement.existing);
    for (const share of toWrite.keys()) existing.delete(share);
    const missing = [...placement.uploads].filter(([share]) => !toWrite.has(share));
    if (missing.length === 0) break;
    await allocateAll(missing, asked, toWrite, request, uploadSecret, reasons);
  }

  const holders = new Map([...existing].map(([share, id]) => [share, new Set([id])]));
  for (const [share, server] of toWrite) holders.set(share, new Set([server.id]));
  const happiness = serversOfHappiness(holders);
  if (happiness >= happy) return { uploadSecret, toWrite, existing };
  await Promise.allSettled(
    [...toWrite].map(([share, server]) => server.abort(storageIndex, share, uploadSecret)),
  );
  const used = new Set([...holders.values()].flatMap((ids) => [...ids])).size;
  throw new NotEnoughServersError(used, happiness, required, happy, reasons);
}

interface Asked {
  readonly server: StorageServer;
  readonly holds: Set<number>;
  writable: boolean;
}

function asCandidate({ server, holds, writable }: Asked): Candidate {
  return { id: server.id, writable, holds };
}

async function askHoldings(
  servers: readonly StorageServer[],
  storageIndex: Uint8Array,
  shareSize: number,
  reasons: string[],
): Promise<Map<string, Asked>> {
  const answers = await Promise.all(
    servers.map(async (server): Promise<Asked | undefined> => {
      try {
        const holds = new Set(await server.listShares(storageIndex));
        const room = server.availableSpace === undefined || server.availableSpace >= shareSize;
        return { server, holds, writable: room && server.maximumShareSize >= shareSize };
      } catch (error) {
        reasons.push((error as Error).message);
        return undefined;
      }
    }),
  );
  const asked = new Map<string, Asked>();
  for (const answer of answers) if (answer) asked.set(answer.server.id, answer);
  return asked;
}

/** One request a server for all of its shares; a server that does not give all of it is not asked again. */
async function allocateAll(
  missing: readonly [number, string][],
  asked: ReadonlyMap<string, Asked>,
  toWrite: Map<number, StorageServer>,
  { storageIndex, shareSize }: UploadRequest,
  uploadSecret: Uint8Array,
  reasons: string[],
): Promise<void> {
  const byServer = new Map<string, Set<number>>();
  for (const [share, id] of missing) byServer.set(id, (byServer.get(id) ?? new Set()).add(share));
  await Promise.all(
    [...byServer].map(async ([id, shares]) => {
      const entry = asked.get(id);
      if (!entry) return;
      try {
        const { allocated, alreadyHave } = await entry.server.allocate(
          storageIndex,
          shares,
          shareSize,
          uploadSecret,
        );
        for (const share of alreadyHave) entry.holds.add(share);
        for (const share of allocated) {
          if (!shares.has(share)) continue;
          toWrite.set(share, entry.server);
          // From here on the share counts as held there, so that a later round builds on it.
          entry.holds.add(share);
        }
        if ([...shares].every((share) => entry.holds.has(share))) return;
        reasons.push(`${entry.server.nickname}: no room for a share of ${shareSize} bytes`);
      } catch (error) {
        reasons.push((error as Error).message);
      }
      entry.writable = false;
    }),
  );
}
