import {
  encodeMutableContainer,
  newestContainerVersion,
  type ReadTestWriteRequest,
  type WriteVector,
} from '@holdfast/lafs';
import type { SlotShare, StoredSlotShare } from '../records/slot-records.js';
import type { NewLease } from '../share-backend/share-backend.js';
import { StorageError } from '../storage-error.js';
import { mostShares, mostWrittenAtOnce } from './limits.js';
import { planChange } from './plan-change.js';
import { leasesAfter } from './share-leases.js';
import type { OpenSlot } from './slot-folder.js';

/** A share that is written. */
export interface WrittenShare extends SlotShare {
  readonly writes: readonly WriteVector[];
  /** What stands in its file before and after the data. */
  readonly header: Uint8Array;
  readonly trailer: Uint8Array;
  /** Bytes of its file. */
  readonly containerSize: number;
}

/** What a request makes of a slot. */
export interface SlotPlan {
  readonly written: readonly WrittenShare[];
  readonly removed: readonly number[];
  /** Shares that stay as they are, and get the account's lease because it named them. */
  readonly unchanged: readonly StoredSlotShare[];
}

/**
 * What a request whose tests hold makes of a slot.
 *
 * @throws StorageError `share-damaged`, `share-too-large`, `too-many-shares`; MalformedContainerError
 */
export async function planSlot(
  { shares, damaged }: OpenSlot,
  request: ReadTestWriteRequest & {
    readonly writeEnabler: Uint8Array;
    readonly lease: NewLease;
  },
  server: { readonly nodeId: Uint8Array; readonly largestShare: number },
): Promise<SlotPlan> {
  const written: WrittenShare[] = [];
  const removed: number[] = [];
  const unchanged: StoredSlotShare[] = [];
  for (const [shareNumber, change] of request.changes) {
    if (damaged.has(shareNumber)) {
      // Nobody can tell whether the client may write it.
      throw new StorageError('share-damaged', `share ${shareNumber} is damaged here, and is kept as it is`);
    }
    const share = shares.get(shareNumber);
    const plan = planChange(share?.size, change);
    if (plan.outcome === 'removed') removed.push(shareNumber);
    else if (plan.outcome === 'unchanged') {
      if (share) unchanged.push({ shareNumber, size: share.size, leased: true });
    } else {
      const { size, writes } = plan;
      if (size > server.largestShare) {
        throw new StorageError(
          'share-too-large',
          `a mutable share may have ${server.largestShare} bytes here`,
        );
      }
      const version = share?.layout.version ?? newestContainerVersion;
      const { header, trailer } = encodeMutableContainer({
        version,
        dataSize: size,
        nodeId: share?.layout.nodeId ?? server.nodeId,
        writeEnabler: request.writeEnabler,
        leases: leasesAfter((await share?.leases()) ?? [], request.lease, server.nodeId, version),
      });
      const containerSize = header.length + size + trailer.length;
      written.push({ shareNumber, size, writes, header, trailer, containerSize });
    }
  }
  checkTotals(shares.size, written, removed, shares, server.largestShare);
  return { written, removed, unchanged };
}

function checkTotals(
  before: number,
  written: readonly WrittenShare[],
  removed: readonly number[],
  shares: OpenSlot['shares'],
  largestShare: number,
): void {
  const added = written.filter(({ shareNumber }) => !shares.has(shareNumber)).length;
  if (added > 0 && before + added - removed.length > mostShares) {
    throw new StorageError('too-many-shares', `a slot may have ${mostShares} shares`);
  }
  const most = mostWrittenAtOnce * largestShare;
  if (written.reduce((sum, { size }) => sum + size, 0) > most) {
    throw new StorageError('share-too-large', `one request may write shares of ${most} bytes in all`);
  }
}
