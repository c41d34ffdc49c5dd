import type { Recovery } from '@holdfast/storage';
import { type StorageNode, withStorageNode } from '../nodes/storage-node.js';
import { showCounting } from './counting-bar.js';
import { withShares } from './share-folder.js';

/**
 * Recovers the records of a storage server.
 *
 * @param dir the folder of a storage server, or of a lab: then that of its first storage server
 * @returns what to print
 * @throws ConfigurationError, NotStorageError, ServerBusyError, or Postgres' own error
 */
export async function recoverRecords(dir: string, json: boolean): Promise<string> {
  const { recover } = await import('@holdfast/storage');
  const recovering = (node: StorageNode) =>
    withShares(node, async (backend) => {
      const bar = showCounting('recovering');
      const begun = performance.now();
      try {
        const recovery = await recover({
          backend,
          database: node.database,
          server: node.server,
          identity: node.identity,
          leaseDuration: node.configuration.leases.duration,
          onProgress: ({ done, shares }) => bar.show(done, shares),
        });
        const seconds = (performance.now() - begun) / 1000;
        return json ? `${JSON.stringify({ ...recovery, seconds })}\n` : inWords(recovery, seconds);
      } finally {
        bar.end();
      }
    });
  return withStorageNode(dir, 'holdfast storage recover', recovering, { evenEmptied: true });
}

function inWords(recovery: Recovery, seconds: number): string {
  const { shares, recorded, unreadable, unreadableFolders, someUnreadableFolders } = recovery;
  const { accounts, changed, rekeyed } = recovery;
  const lines = [
    `${shares} shares in ${seconds.toFixed(1)} s, ${Math.round(shares / seconds)} a second: ${recorded} recorded anew, ${
      shares - recorded - unreadable
    } known before${unreadable > 0 ? `, ${unreadable} not whole and left alone` : ''}.`,
  ];
  if (unreadableFolders > 0) {
    lines.push(
      `${unreadableFolders} folders could not be read, and nothing is known of what is in them; mend them, and run this again:`,
      ...someUnreadableFolders.map((folder) => `  ${folder}`),
    );
    if (unreadableFolders > someUnreadableFolders.length) lines.push('  and others');
  }
  if (accounts > 0) lines.push(`${accounts} accounts restored from their copy.`);
  if (changed.length > 0) {
    lines.push(
      `These accounts have their newer state, quota and length of leases again, from their copy: ${changed.join(', ')}.`,
    );
  }
  if (rekeyed.length > 0) {
    lines.push(
      `These accounts could not have their old key again, because another account has it: ${rekeyed.join(', ')}.`,
    );
  }
  return `${lines.join('\n')}\n`;
}
