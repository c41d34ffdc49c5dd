import { Generation, type ShareBackend } from '@holdfast/storage';
import type { StorageNode } from '../nodes/storage-node.js';
import { withShares } from './share-folder.js';

/** How the records of a storage server are told from an older copy of them. */
export function generationOf({ database, server, identity }: StorageNode, backend: ShareBackend): Generation {
  return new Generation({ backend, database, server, serverId: identity.serverId });
}

/**
 * Lets pass only where nothing is lost by believing the records of a storage server, and by changing them.
 *
 * @throws RecordsNotCurrentError, MarkError
 */
export function requireCurrentRecords(node: StorageNode): Promise<void> {
  return withShares(node, (backend) => generationOf(node, backend).requireCurrent());
}
