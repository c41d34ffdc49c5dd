import { closeSync, type Dir, fstatSync, opendirSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import {
  longestContainerHeader,
  parseAnyContainerHeader,
  parseBucketName,
  parseExtraLeases,
  parseLeaseRecords,
  parseShareName,
  type ShareAddress,
  sharePath,
} from '@holdfast/lafs';
import { damageIn } from '../damage/damage-in.js';
import { sectionNames } from './sections.js';
import type { InspectedShare, WalkedShares } from './share-backend.js';

/** Of each file so much is read at once: all of most small shares, with their leases. */
const readAtOnce = 16 * 1024;

/**
 * A walk over all shares of a folder, by calls that wait for the disk: for a thread of its own. A folder is read piece
 * by piece, so that its memory does not grow with the number of shares.
 */
export class ShareScan {
  readonly #root: string;
  #section: number;
  #dir: Dir | undefined;

  /** @param section where to begin: an index into `sectionNames` */
  constructor(root: string, section = 0) {
    this.#root = root;
    this.#section = section;
  }

  /**
   * The next shares, about `limit`, all of one section; undefined after the last section. A share that is there all
   * the time is met once; one that comes or goes meanwhile may be met.
   */
  next(limit: number): WalkedShares | undefined {
    while (this.#section < sectionNames.length) {
      const section = this.#section;
      const shares = this.#more(sectionNames[section] as string, limit);
      if (!this.#dir) this.#section++;
      if (shares.length > 0) return { section, shares };
    }
    return undefined;
  }

  close(): void {
    this.#dir?.closeSync();
    this.#dir = undefined;
  }

  /** More shares of a section; none of it are left when `#dir` is closed. */
  #more(section: string, limit: number): ShareAddress[] {
    const folder = join(this.#root, section);
    const shares: ShareAddress[] = [];
    this.#dir ??= whereThere(() => opendirSync(folder, { bufferSize: 512 }));
    while (this.#dir && shares.length < limit) {
      const entry = this.#dir.readSync();
      if (!entry) {
        this.close();
        break;
      }
      const storageIndex = parseBucketName(entry.name);
      if (!storageIndex || !entry.name.startsWith(section)) continue;
      for (const name of whereThere(() => readdirSync(join(folder, entry.name))) ?? []) {
        const shareNumber = parseShareName(name);
        if (shareNumber !== undefined) shares.push({ storageIndex, shareNumber });
      }
    }
    return shares;
  }
}

const buffer = Buffer.allocUnsafeSlow(readAtOnce);

/** What a container tells, or in one line why it cannot be read. */
export type FoundContainer = Omit<InspectedShare, keyof ShareAddress> | { readonly problem: string };

/**
 * Looks into a share's container.
 *
 * @returns undefined where there is none
 */
export function inspectShare(root: string, share: ShareAddress): FoundContainer | undefined {
  const path = join(root, sharePath(share.storageIndex, share.shareNumber));
  let descriptor: number | undefined;
  try {
    descriptor = whereThere(() => openSync(path, 'r'));
    return descriptor === undefined ? undefined : inspectContainer(descriptor);
  } catch (error) {
    const problem = damageIn(error);
    if (problem === undefined) throw error;
    return { problem };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function inspectContainer(descriptor: number): Omit<InspectedShare, keyof ShareAddress> {
  const bytesRead = readSync(descriptor, buffer, 0, readAtOnce, 0);
  const fileSize = bytesRead < readAtOnce ? bytesRead : fstatSync(descriptor).size;
  const header = buffer.subarray(0, Math.min(bytesRead, longestContainerHeader));
  const layout = parseAnyContainerHeader(header, fileSize);
  const tail = (offset: number) => readTail(descriptor, offset, fileSize, bytesRead);
  const leases =
    layout.kind === 'immutable'
      ? parseLeaseRecords(tail(layout.leasesOffset), layout.leaseCount)
      : [...layout.leases, ...parseExtraLeases(tail(layout.extraLeasesOffset))];
  const owners = new Set(leases.map(({ owner }) => owner));
  owners.delete(0);
  return { kind: layout.kind, size: layout.dataSize, owners: [...owners] };
}

/** The end of the file from `offset` on; what `buffer` has of it is not read again. */
function readTail(descriptor: number, offset: number, fileSize: number, buffered: number): Uint8Array {
  if (fileSize <= buffered) return buffer.subarray(offset, fileSize);
  const tail = Buffer.alloc(fileSize - offset);
  const length = readSync(descriptor, tail, 0, tail.length, offset);
  return tail.subarray(0, length);
}

/** What `work` gives; undefined where there is no such file or folder. */
function whereThere<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
