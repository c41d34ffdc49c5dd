import { closeSync, type Dir, fstatSync, opendirSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { ShareAddress } from '@holdfast/lafs';
// Not the whole package, here and in whatever else the thread of a walk loads: with it that thread takes twice the processor
// time to start, and one does with each server.
import {
  longestContainerHeader,
  parseAnyContainerHeader,
  parseBucketName,
  parseExtraLeases,
  parseLeaseRecords,
  parseShareName,
  sharePath,
} from '@holdfast/lafs/share-container';
import { damageIn, folderDamageIn } from '../damage/damage-in.js';
import { sectionBounds, sectionNames } from './sections.js';
import type { InspectedShare, UnreadableFolder, WalkedShares } from './share-backend.js';

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
   * the time is met once; one that comes or goes meanwhile may be met. A folder that cannot be read keeps nobody from
   * the others.
   *
   * @throws the system's error where it tells of the moment, and not of a folder; then the section is to be begun anew
   */
  next(limit: number): WalkedShares | undefined {
    while (this.#section < sectionNames.length) {
      const page = this.#more(this.#section, limit);
      if (!this.#dir) this.#section++;
      if (page.shares.length + page.unreadable.length > 0) return page;
    }
    return undefined;
  }

  close(): void {
    this.#dir?.closeSync();
    this.#dir = undefined;
  }

  /** More shares of a section; none of it are left when `#dir` is closed. */
  #more(section: number, limit: number): WalkedShares {
    const name = sectionNames[section] as string;
    const folder = join(this.#root, name);
    const shares: ShareAddress[] = [];
    const unreadable: UnreadableFolder[] = [];
    const ofSection = { folder: name, ...sectionBounds(section) };
    const read = <T>(what: Omit<UnreadableFolder, 'problem'>, work: () => T): T | undefined =>
      whereReadable(work, (problem) => unreadable.push({ ...what, problem }));

    this.#dir ??= read(ofSection, () => opendirSync(folder, { bufferSize: 512 }));
    while (this.#dir && shares.length + unreadable.length < limit) {
      const dir = this.#dir;
      const entry = read(ofSection, () => dir.readSync());
      if (!entry) {
        this.close();
        break;
      }
      const storageIndex = parseBucketName(entry.name);
      if (!storageIndex || !entry.name.startsWith(name)) continue;
      const bucket = { folder: `${name}/${entry.name}`, first: storageIndex, last: storageIndex };
      for (const file of read(bucket, () => readdirSync(join(folder, entry.name))) ?? []) {
        const shareNumber = parseShareName(file);
        if (shareNumber !== undefined) shares.push({ storageIndex, shareNumber });
      }
    }
    return { section, shares, unreadable };
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

/** What `work` makes of a folder; undefined where there is no such folder, or it cannot be read, which is told of. */
function whereReadable<T>(work: () => T, tell: (problem: string) => void): T | undefined {
  try {
    return whereThere(work);
  } catch (error) {
    const problem = folderDamageIn(error);
    if (problem === undefined) throw error;
    tell(problem);
    return undefined;
  }
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
