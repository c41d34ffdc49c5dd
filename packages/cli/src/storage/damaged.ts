import { join, resolve } from 'node:path';
import { base32Encode, parseBucketName, parseShareName, type ShareAddress, sharePath } from '@holdfast/lafs';
import { UsageError } from '../exit-status.js';
import { formatBytes } from '../format-bytes.js';
import { withStorageNode } from '../nodes/storage-node.js';

/** The share to be released is not kept apart. */
export class NotDamagedError extends Error {
  override readonly name = 'NotDamagedError';
  readonly code = 'not-damaged';

  constructor(readonly share: string) {
    super(`${share} is not among the damaged shares`);
  }
}

/** The damaged shares of a server, as lines or JSON, each with its file. */
export function listDamaged(dir: string, { json }: { readonly json?: true }): Promise<string> {
  return withStorageNode(dir, 'holdfast storage damaged', async (node) => {
    const { DamageRecords } = await import('@holdfast/storage');
    const found = await new DamageRecords(node.database, node.server).listInUse();
    const folder = resolve(node.dir, node.configuration.shares.path);
    const shares = found.map((share) => ({
      share: nameOf(share),
      foundAt: share.foundAt.toISOString(),
      foundBy: share.foundBy,
      problem: share.problem,
      part: share.part,
      bytes: share.bytes,
      leases: share.leases,
      file: join(folder, sharePath(share.storageIndex, share.shareNumber)),
    }));
    if (json) return `${JSON.stringify(shares, undefined, 2)}\n`;
    if (shares.length === 0) return 'No share is known to be damaged.\n';
    return shares
      .map(
        (each) =>
          `${each.share}\n  ${each.part}: ${each.problem}; found by ${each.foundBy}, ${each.foundAt}\n  ${useOf(each)}\n  ${each.file}\n`,
      )
      .join('');
  });
}

/**
 * Takes a share, or all, out of quarantine. A running server serves it again within seconds.
 *
 * @param share `STORAGE-INDEX/NUMBER` or `all`
 * @throws UsageError, NotDamagedError
 */
export async function releaseDamaged(
  dir: string,
  share: string,
  { json }: { readonly json?: true },
): Promise<string> {
  const wanted = share === 'all' ? share : parseShare(share);
  return withStorageNode(dir, 'holdfast storage damaged', async ({ database, server, configuration }) => {
    const { DamageRecords } = await import('@holdfast/storage');
    const released = await new DamageRecords(database, server).release(wanted, configuration.leases.duration);
    if (released === 0 && wanted !== 'all') throw new NotDamagedError(share);
    return json
      ? `${JSON.stringify({ released })}\n`
      : `Released ${released} ${released === 1 ? 'share' : 'shares'}.\n`;
  });
}

function useOf({ bytes, leases }: { readonly bytes: number | undefined; readonly leases: number }): string {
  const size = bytes === undefined ? 'no record of its size' : formatBytes(bytes);
  return `${size}, ${leases === 0 ? 'no lease' : leases === 1 ? '1 lease' : `${leases} leases`}`;
}

function nameOf({ storageIndex, shareNumber }: ShareAddress): string {
  return `${base32Encode(storageIndex)}/${shareNumber}`;
}

function parseShare(text: string): ShareAddress {
  const [bucket = '', name = '', ...rest] = text.split('/');
  const storageIndex = parseBucketName(bucket);
  const shareNumber = parseShareName(name);
  if (!storageIndex || shareNumber === undefined || rest.length > 0) {
    throw new UsageError(
      `--release ${text}: expected STORAGE-INDEX/NUMBER, as \`storage damaged\` shows it, or all`,
    );
  }
  return { storageIndex, shareNumber };
}
