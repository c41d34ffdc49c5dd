import type { CheckResults } from '@holdfast/grid';
import { canWaitForServers } from './decisions/index.js';
import { recordCheck } from './file-record.js';
import type { RecordedServers } from './recorded-servers.js';

const nothingOnRecord = { shares: [], needed: undefined, expected: undefined };

/** Whether a file's repair is put off: servers did not answer that are expected back, and the file is in no danger. */
export function isPutOff(
  results: CheckResults,
  servers: Pick<RecordedServers, 'isExpectedBack' | 'stateOf'>,
): boolean {
  const { health } = recordCheck(results, nothingOnRecord, servers.stateOf);
  return (
    health !== undefined &&
    canWaitForServers(health) &&
    results.serversFailed.some(({ serverId }) => servers.isExpectedBack(serverId))
  );
}
