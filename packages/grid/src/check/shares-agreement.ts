import type { ChkVerifyCapability } from '@holdfast/lafs';
import { answerWithin } from '../connections/answer-within.js';
import type { FoundShare } from '../download/found-share.js';
import { StorageServerError } from '../errors.js';
import { capabilityOf, type HowToRead, readShareDescription } from './share-description.js';
import type { ShareVerdicts } from './sorted-shares.js';

/** Shares whose URI extension blocks are read at a time. */
const readAtOnce = 10;

/** What the shares at a storage index say together. */
export interface SharesAgreement extends ShareVerdicts {
  /** What most of them are shares of; undefined where none could be read. */
  readonly capability: ChkVerifyCapability | undefined;
}

/**
 * Finds out what file lies at a storage index, from the URI extension blocks of its shares: each names, by its hash, by
 * k, n and size, one file. The file that most servers hold shares of counts, then that of which most shares are there:
 * so one server that makes shares up does not outvote others, but most of them together can.
 *
 * @throws the signal's reason
 */
export async function agreeOnFile(
  found: readonly FoundShare[],
  storageIndex: Uint8Array,
  how: HowToRead,
): Promise<SharesAgreement> {
  const files = new Map<string, { capability: ChkVerifyCapability; shares: FoundShare[] }>();
  const wrong = new Map<FoundShare, string>();
  const unread = new Map<FoundShare, StorageServerError>();
  const waiting = [...found];
  const hurried = { ...how, within: answerWithin };
  const readInTurn = async () => {
    for (let share = waiting.shift(); share; share = waiting.shift()) {
      try {
        const capability = capabilityOf(
          await readShareDescription(share, storageIndex, hurried),
          storageIndex,
        );
        const name = Buffer.from(capability.uriExtensionHash).toString('hex');
        const file = files.get(name) ?? { capability, shares: [] };
        file.shares.push(share);
        files.set(name, file);
      } catch (error) {
        how.signal?.throwIfAborted();
        if (error instanceof StorageServerError) unread.set(share, error);
        else wrong.set(share, (error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: readAtOnce }, readInTurn));
  const [first, ...others] = [...files.values()].sort(byVotes);
  for (const { shares } of others)
    for (const share of shares)
      wrong.set(share, 'its URI extension block is another than that of most shares');
  return { capability: first?.capability, wrong, unread };
}

function byVotes(
  a: { readonly shares: readonly FoundShare[] },
  b: { readonly shares: readonly FoundShare[] },
): number {
  const votes = ({ shares }: typeof a) => [
    new Set(shares.map(({ server }) => server.id)).size,
    new Set(shares.map(({ shareNumber }) => shareNumber)).size,
  ];
  const [[servers = 0, numbers = 0], [otherServers = 0, otherNumbers = 0]] = [votes(a), votes(b)];
  return otherServers - servers || otherNumbers - numbers;
}
