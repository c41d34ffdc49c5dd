import { formatBytes } from '../format-bytes.js';
import { type StorageNode, withStorageNode } from '../nodes/storage-node.js';
import { showCounting } from './counting-bar.js';
import { generationOf, requireCurrentRecords } from './current-records.js';
import { withShares } from './share-folder.js';

const commandName = 'holdfast storage collect';

/** Some shares that nobody has a lease on are still there; the next collection tries again. */
export class NotAllRemovedError extends Error {
  override readonly name = 'NotAllRemovedError';
  readonly code = 'not-all-removed';

  constructor(
    readonly failed: number,
    problem: string | undefined,
  ) {
    super(`${failed} shares could not be removed (${problem ?? 'no reason is known'}); try again`);
  }
}

/**
 * What a collection would do to a storage server now. Changes nothing.
 *
 * @param dir the folder of a storage server, or of a lab: then that of its first storage server
 * @returns what to print
 * @throws ConfigurationError, NotStorageError, RecordsNotCurrentError, or Postgres' own error
 */
export async function showCollectable(dir: string, json: boolean): Promise<string> {
  const { collectable } = await import('@holdfast/storage');
  return withCurrentRecords(dir, async ({ database, server }) => {
    const due = await collectable(database, server);
    if (json) return `${JSON.stringify(due)}\n`;
    const lines = due.accounts.map(
      ({ account, leases, bytes }) =>
        `${account}: ${leases} leases have run out, on ${formatBytes(bytes)} of shares`,
    );
    lines.push(`${due.shares} shares would go, which frees ${formatBytes(due.bytes)}.`);
    if (due.damaged.shares > 0) {
      lines.push(
        `${due.damaged.shares} damaged shares (${formatBytes(due.damaged.bytes)}) have no lease and would stay: see \`storage damaged\`.`,
      );
    }
    return `${lines.join('\n')}\n`;
  });
}

/**
 * Makes one collection at a storage server, whether the server runs or not.
 *
 * @param print told what to print
 * @throws NotAllRemovedError, ServerBusyError, and as `showCollectable`
 */
export async function collectShares(
  dir: string,
  json: boolean,
  print: (text: string) => void,
): Promise<void> {
  const { collect, leasesDue } = await import('@holdfast/storage');
  return withCurrentRecords(dir, (node) =>
    withShares(node, async (backend) => {
      const { database, server, configuration } = node;
      const generation = generationOf(node, backend);
      const due = await leasesDue(database.pool, server);
      const bar = showCounting('collecting');
      try {
        const done = await collect({
          backend,
          database,
          server,
          generation,
          pace: configuration.collection.pace,
          leaseDuration: configuration.leases.duration,
          onProgress: ({ leases, shares }) => bar.show(Math.min(1, leases / Math.max(1, due)), shares),
        });
        const { leases, shares, bytes, failed, problem } = done;
        const inWords = `${leases} leases ended, ${shares} shares removed, which freed ${formatBytes(bytes)}.`;
        print(`${json ? JSON.stringify(done) : inWords}\n`);
        if (failed > 0) throw new NotAllRemovedError(failed, problem);
      } finally {
        bar.end();
      }
    }),
  );
}

/** Where records were lost, what looks like a share without a lease may well have one. */
function withCurrentRecords<T>(dir: string, work: (node: StorageNode) => Promise<T>): Promise<T> {
  return withStorageNode(dir, commandName, async (node) => {
    await requireCurrentRecords(node);
    return work(node);
  });
}
