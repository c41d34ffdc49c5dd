import { parseBucketName } from '@holdfast/lafs';
import { retryJobs } from '@holdfast/repairer';
import { UsageError } from '../exit-status.js';
import { withRepairerNode } from '../nodes/repairer-node.js';

/**
 * Queues jobs again that have failed or wait for servers.
 *
 * @param storageIndexes in base32; with `all`, all that have failed
 * @throws UsageError
 */
export async function retryFailed(
  storageIndexes: readonly string[],
  { dir, all, json }: { dir: string; all?: true; json?: true },
): Promise<void> {
  if (storageIndexes.length === 0 && !all) throw new UsageError('expected storage indexes, or --all');
  if (storageIndexes.length > 0 && all) throw new UsageError('expected storage indexes or --all, not both');
  const chosen = all ? undefined : storageIndexes.map(storageIndexArgument);
  const retried = await withRepairerNode(dir, async ({ database, grid, wake }) => {
    const count = await retryJobs(database, grid, chosen);
    await wake(count);
    return count;
  });
  process.stdout.write(json ? `${JSON.stringify({ retried })}\n` : `Queued ${retried} again.\n`);
}

function storageIndexArgument(text: string): Uint8Array {
  const storageIndex = parseBucketName(text);
  if (storageIndex) return storageIndex;
  throw new UsageError('expected a storage index: 26 characters of base32, as queue failed shows it');
}
