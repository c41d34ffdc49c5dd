import type { StorageServer } from '../connections/storage-server.js';
import { NoServersError, NotEnoughServersError } from '../errors.js';
import { serversOfHappiness } from '../placement/index.js';
import { type PlacingRequest, SharePlacing } from './share-placing.js';

/** What is to be placed. */
export interface UploadToPlace extends PlacingRequest {
  readonly required: number;
  readonly happy: number;
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

/** How many servers are considered for a file of so many shares: the first in its order of preference. */
export function consideredFor(total: number): number {
  return Math.max(2 * total, 20);
}

/** How often shares that a server did not take are placed anew. */
export const placingRounds = 5;

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
  request: UploadToPlace,
): Promise<PlacedUpload> {
  const { required, happy, total, shareSize, passedOver, leaving } = request;
  const considered = servers.slice(0, consideredFor(total));
  const upload = new SharePlacing(
    considered.map((server) => ({ server })),
    request,
  );
  await upload.firstRound();
  for (let round = 1; round < placingRounds && (await upload.nextRound()); round++);

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
  if (servers.length === 0) throw new NoServersError(required, happy, reasons);
  throw new NotEnoughServersError(used, happiness, required, happy, reasons);
}
