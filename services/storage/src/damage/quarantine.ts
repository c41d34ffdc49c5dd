import type { Logger } from '@holdfast/common/logging';
import type { ShareAddress } from '@holdfast/lafs';
import { keyOf } from '../records/share-records.js';

/** How a damaged share was found: by a request that read it, by the walk after a start, or by the scrub. */
export type FoundBy = 'read' | 'walk' | 'scrub';

/**
 * What of a share is damaged: its container (the file, or the disk under it), or, in a container that is whole, the
 * content, which is as the client sent it or has rotted since.
 */
export type DamagedPart = 'container' | 'content';

/**
 * Keeps apart the shares that are known to be damaged: they are neither listed nor read. One whose container is damaged
 * is never deleted, unless that was decided before it was found; one whose content is goes with the last lease on it.
 */
export interface Quarantine {
  has(share: ShareAddress): boolean;
  /** Takes a share in. `problem` is one line without secrets; `part` is the container unless told. Nothing happens where it is in already. */
  add(share: ShareAddress, foundBy: FoundBy, problem: string, part?: DamagedPart): void;
}

/** For whoever looks at shares and serves none: it keeps nothing apart, and tells. */
export function loggingQuarantine(logger: Logger): Quarantine {
  return {
    has: () => false,
    add: (share, foundBy, problem) =>
      logger.warn({ share: keyOf(share), problem, foundBy }, 'a share is damaged; passed over'),
  };
}
