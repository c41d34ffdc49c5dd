import { type FileHandle, open } from 'node:fs/promises';
import {
  type ByteRange,
  longestContainerHeader,
  parseAnyContainerHeader,
  parseExtraLeases,
  parseLeaseRecords,
} from '@holdfast/lafs';
import { ShareCutShortError } from '../damage/damage-in.js';
import type { ShareKind } from './share-backend.js';

/** A share opened to be read whole once, past what is kept open for readers. */
export interface ExaminedShare {
  readonly kind: ShareKind;
  /** Bytes of data. */
  readonly size: number;
  /** Reads a range that lies within the data. */
  read(range: ByteRange): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Leases are read up to here; a share with more of them than this has room for (14,000) is not looked at further. */
const longestLeases = 1024 * 1024;

/**
 * Opens the share in a file, of either kind, and looks through its container: its header, its length and its leases.
 *
 * @returns undefined where there is no such file
 * @throws MalformedContainerError, ShareCutShortError, or the system's error
 */
export async function examineShare(path: string): Promise<ExaminedShare | undefined> {
  const file = await openThere(path);
  if (!file) return undefined;
  try {
    const { size } = await file.stat();
    const header = await readAt(file, 0, Math.min(longestContainerHeader, size));
    const layout = parseAnyContainerHeader(header, size);
    const tail = async (offset: number) => readAt(file, offset, Math.min(size - offset, longestLeases));
    if (layout.kind === 'mutable') parseExtraLeases(await tail(layout.extraLeasesOffset));
    else parseLeaseRecords(await tail(layout.leasesOffset), Math.min(layout.leaseCount, 14_000));
    return {
      kind: layout.kind,
      size: layout.dataSize,
      read: ({ begin, end }) => readAt(file, layout.dataOffset + begin, end - begin),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) throw new ShareCutShortError();
    filled += bytesRead;
  }
  return buffer;
}
