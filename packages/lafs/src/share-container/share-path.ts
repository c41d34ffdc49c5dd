import { base32Decode, base32Encode } from '../base32.js';

/** Folder below `shares/` that uploads live in until they are complete. */
export const incomingFolder = 'incoming';

/** The folder of a storage index below `shares/`: its first two characters, then all 26. */
export function bucketFolder(storageIndex: Uint8Array): string {
  const text = base32Encode(storageIndex);
  return `${text.slice(0, 2)}/${text}`;
}

/** The place of a share below `shares/`: `ab/abcdefghijklmnopqrstuvwxyz/7`. */
export function sharePath(storageIndex: Uint8Array, shareNumber: number): string {
  return `${bucketFolder(storageIndex)}/${shareNumber}`;
}

/** Reads the name of a storage index's folder; undefined where it is none. */
export function parseBucketName(name: string): Uint8Array | undefined {
  if (!/^[a-z2-7]{26}$/.test(name)) return undefined;
  try {
    return base32Decode(name);
  } catch {
    return undefined;
  }
}

/** Reads the name of a share's file; undefined where it is none. */
export function parseShareName(name: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(name)) return undefined;
  const number = Number(name);
  return number < 2 ** 31 ? number : undefined;
}
