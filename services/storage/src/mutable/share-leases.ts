import { type ContainerVersion, type MutableLeaseRecord, storedLeaseSecret } from '@holdfast/lafs';
import type { NewLease } from '../share-backend/share-backend.js';

/**
 * The leases of a container after an account has written it. An account has one in it, the newest: they only serve to
 * make a lost lease database again, and a writer must not be able to make the container grow.
 *
 * @param lease with the account's key as its owner
 * @param nodeId of this server, 20 bytes
 */
export function leasesAfter(
  before: readonly MutableLeaseRecord[],
  lease: NewLease,
  nodeId: Uint8Array,
  version: ContainerVersion,
): MutableLeaseRecord[] {
  const isOurs = (each: MutableLeaseRecord) =>
    each.owner === lease.owner && Buffer.compare(each.nodeId, nodeId) === 0;
  const renewed = {
    owner: lease.owner,
    renewSecret: storedLeaseSecret(lease.renewSecret, version),
    cancelSecret: storedLeaseSecret(lease.cancelSecret, version),
    expiresAt: lease.expiresAt,
    nodeId,
  };
  const at = before.findIndex(isOurs);
  return at < 0 ? [...before, renewed] : before.map((each, index) => (index === at ? renewed : each));
}
