import type { Capacity } from '@holdfast/common/capacity';
import { maximumMessageSize, maximumTotalShares } from '@holdfast/lafs';
import { answerWithin } from '../connections/answer-within.js';
import type { StorageServer } from '../connections/storage-server.js';
import { type FoundShare, sharesHeldBy } from '../download/found-share.js';
import { StorageServerError } from '../errors.js';
import type { Pace } from '../repair/pace.js';
import type { UnansweredQuestion } from './check-results.js';
import { askedForWholeAtOnce, type TakenWhole } from './taken-whole.js';

/** Servers asked at a time which shares they hold. */
const askedAtOnce = 20;

/** What servers said they hold of a file. */
export interface ServersAnswers {
  readonly responding: readonly StorageServer[];
  readonly failed: readonly UnansweredQuestion[];
  readonly found: readonly FoundShare[];
}

/** How servers are asked. */
export interface ServersQuestion {
  readonly keep: TakenWhole;
  /** Where there may be memory for answers that may have more than was asked for. */
  readonly memory: Capacity;
  readonly pace: Pace;
  readonly signal: AbortSignal | undefined;
}

/**
 * Asks every server which shares it holds, so many at a time. One that does not answer holds its own place up for some
 * seconds, and nobody else's.
 *
 * @param servers in the file's order of preference, which the answer keeps
 * @throws the signal's reason
 */
export async function askServers(
  servers: readonly StorageServer[],
  storageIndex: Uint8Array,
  { keep, memory, pace, signal }: ServersQuestion,
): Promise<ServersAnswers> {
  const answers = new Map<StorageServer, FoundShare[] | UnansweredQuestion>();
  const waiting = [...servers];
  const givers = servers.filter(({ wholeShares }) => wholeShares);
  const askedForWhole = new Set(keep.bytes > 0 ? givers.slice(0, keep.servers) : []);
  let left = keep.bytes;
  const keepWithin = (share: FoundShare): FoundShare => {
    const { server, shareNumber, data } = share;
    if (!data || data.length > left) return { server, shareNumber };
    left -= data.length;
    return share;
  };
  const askInTurn = async () => {
    for (let server = waiting.shift(); server; server = waiting.shift()) {
      const most = askedForWhole.has(server) ? keep.each : 0;
      const answer = await askOne(server, storageIndex, { most, memory, signal });
      // How much an answer brings nobody knows before; what comes after it waits for that.
      if (Array.isArray(answer)) await paceData(answer, pace);
      answers.set(server, Array.isArray(answer) ? answer.map(keepWithin) : answer);
      signal?.throwIfAborted();
    }
  };
  const atOnce = askedForWhole.size > askedForWholeAtOnce ? askedForWholeAtOnce : askedAtOnce;
  await Promise.all(Array.from({ length: atOnce }, askInTurn));
  const responding: StorageServer[] = [];
  const failed: UnansweredQuestion[] = [];
  const found: FoundShare[] = [];
  for (const server of servers) {
    const answer = answers.get(server);
    if (Array.isArray(answer)) {
      responding.push(server);
      found.push(...answer);
    } else if (answer) failed.push(answer);
  }
  return { responding, failed, found };
}

async function paceData(shares: readonly FoundShare[], pace: Pace): Promise<void> {
  const bytes = shares.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
  if (bytes > 0) await pace(bytes);
}

async function askOne(
  server: StorageServer,
  storageIndex: Uint8Array,
  {
    most,
    memory,
    signal,
  }: { readonly most: number; readonly memory: Capacity; readonly signal: AbortSignal | undefined },
): Promise<FoundShare[] | UnansweredQuestion> {
  // One that gives all that an answer holds is asked for numbers only where that is too much to be held now.
  const room = most === 0 || server.findMany ? undefined : memory.takeNow(maximumMessageSize);
  try {
    signal?.throwIfAborted();
    const whole = most > 0 && (server.findMany || room !== undefined);
    const shares = await sharesHeldBy(server, storageIndex, { whole, most, signal, within: answerWithin });
    // No file has more shares, whatever a server says.
    return shares.filter(({ shareNumber }) => shareNumber < maximumTotalShares);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof StorageServerError)) throw error;
    return { serverId: server.id, error: error.message };
  } finally {
    room?.release();
  }
}
