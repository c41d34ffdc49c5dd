import { resolve } from 'node:path';
import { silentLogger } from '@holdfast/common/logging';
import type { ShareBackend } from '@holdfast/storage';
import type { StorageNode } from '../nodes/storage-node.js';

/** Does something with the shares of a storage server, whether the server runs or not. */
export async function withShares<T>(
  { dir, configuration }: StorageNode,
  work: (backend: ShareBackend) => Promise<T>,
): Promise<T> {
  const { DiskShareBackend } = await import('@holdfast/storage');
  // Not opened: that is for the server, and clears away what clients are uploading.
  const backend = new DiskShareBackend(resolve(dir, configuration.shares.path), silentLogger());
  try {
    return await work(backend);
  } finally {
    await backend.close();
  }
}
