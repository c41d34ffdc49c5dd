import { findServer, type LeavingServer, setLeaving } from '@holdfast/storage';
import { withStorageNode } from '../nodes/storage-node.js';
import { tellServers } from '../nodes/tell-servers.js';
import { requireCurrentRecords } from './current-records.js';

/** How a drain is asked for. */
export interface DrainOptions {
  /** The folder of any storage server of the database, or of a lab. */
  readonly dir: string;
  readonly json?: true;
}

/**
 * Marks a storage server as leaving, or with `cancel` as staying after all, and tells it.
 *
 * @param named its id, or its nickname
 * @returns what to print
 * @throws NoSuchServerError, ConfigurationError, NotStorageError, RecordsNotCurrentError, or Postgres' own error
 */
export function drain(
  named: string,
  { dir, json, cancel = false }: DrainOptions & { readonly cancel?: boolean },
): Promise<string> {
  return withStorageNode(dir, 'holdfast storage drain', async (node) => {
    // What is changed in records that are too old is lost when they are recovered.
    await requireCurrentRecords(node);
    const { key } = await findServer(node.database, named);
    const server = await setLeaving(node.database, key, !cancel);
    await tellServers(node);
    return json ? `${JSON.stringify(asJson(server))}\n` : `${inWords(server)}\n`;
  });
}

function asJson({ serverId, nickname, leavingSince }: LeavingServer) {
  return { serverId, nickname, leavingSince };
}

function inWords({ serverId, nickname, leavingSince }: LeavingServer): string {
  const name = nickname === null ? serverId : `${nickname} (${serverId})`;
  return leavingSince === null
    ? `${name} stays: it takes new shares again.`
    : `${name} is leaving: it takes no new shares, and what it has can be read.`;
}
