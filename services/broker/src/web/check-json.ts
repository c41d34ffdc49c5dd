import type { CheckResults, RepairResults } from '@holdfast/grid';
import { base32Encode } from '@holdfast/lafs';

/** A check as JSON (webapi.rst, `POST $URL?t=check`): of a literal no more than that it is healthy. */
export function checkJson(results: CheckResults): object {
  if (isLiteral(results)) return { 'storage-index': '', results: { healthy: true } };
  return withSummary(results, summaryOf(results));
}

/** A repair as JSON (webapi.rst, `POST $URL?t=check&repair=true`). */
export function repairJson({ before, after, attempted, successful, ...done }: RepairResults): object {
  const now = attempted ? summaryAfter(after) : summaryOf(after);
  return {
    'storage-index': storageIndexText(before),
    'repair-attempted': attempted,
    'repair-successful': successful,
    'pre-repair-results': withSummary(before, summaryOf(before)),
    'post-repair-results': withSummary(after, now),
    holdfast: {
      'shares-placed': done.sharesPlaced.map(({ shareNumber, serverId, copied }) => ({
        share: shareNumber,
        server: serverId,
        copied,
      })),
      'not-placed': done.reasons,
      'bytes-read': done.bytesRead,
      'bytes-written': done.bytesWritten,
    },
  };
}

/** In one line, in the peer's words. */
export function summaryOf({ healthy, goodShareCount, needed, expected }: CheckResults): string {
  return healthy ? 'Healthy' : `Not Healthy: ${goodShareCount} shares (enc ${needed}-of-${expected})`;
}

/** The peer says it in other words after a repair. */
function summaryAfter({ healthy }: CheckResults): string {
  return healthy ? 'healthy' : 'not healthy';
}

export function isLiteral({ storageIndex }: CheckResults): boolean {
  return storageIndex.length === 0;
}

export function storageIndexText({ storageIndex }: CheckResults): string {
  return base32Encode(storageIndex);
}

function withSummary(results: CheckResults, summary: string): object {
  return { 'storage-index': storageIndexText(results), summary, results: resultsJson(results) };
}

function resultsJson(results: CheckResults): object {
  const { goodShares, corruptShares, leavingShares, serversFailed, recoverable } = results;
  const sharemap: Record<string, string[]> = {};
  for (const { shareNumber, serverId } of goodShares) {
    const holders = sharemap[shareNumber] ?? [];
    sharemap[shareNumber] = holders;
    holders.push(serverId);
  }
  return {
    'count-happiness': results.happiness,
    'count-shares-good': results.goodShareCount,
    'count-shares-needed': results.needed,
    'count-shares-expected': results.expected,
    'count-good-share-hosts': results.goodShareHosts,
    'count-corrupt-shares': corruptShares.length,
    'list-corrupt-shares': corruptShares.map(({ shareNumber, serverId }) => [
      serverId,
      storageIndexText(results),
      shareNumber,
    ]),
    'servers-responding': results.serversResponding,
    sharemap,
    'count-wrong-shares': 0,
    'count-recoverable-versions': recoverable ? 1 : 0,
    'count-unrecoverable-versions': recoverable ? 0 : 1,
    healthy: results.healthy,
    recoverable,
    // What the peer does not tell.
    holdfast: {
      verified: results.verified,
      proven: results.proven,
      defect: results.defect ?? null,
      'corrupt-shares': corruptShares.map(({ shareNumber, serverId, reason }) => ({
        share: shareNumber,
        server: serverId,
        reason,
      })),
      'leaving-shares': leavingShares.map(({ shareNumber, serverId }) => ({
        share: shareNumber,
        server: serverId,
      })),
      'servers-failed': serversFailed.map(({ serverId, error }) => ({ server: serverId, error })),
    },
  };
}
