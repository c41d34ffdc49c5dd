import { stat } from 'node:fs/promises';
import { basename } from 'node:path';

/** What tells a file of the spool folder from another, and from itself before a change. */
export interface SpoolFileIdentity {
  readonly name: string;
  readonly size: number;
  /** When it was changed last, in milliseconds since 1970. */
  readonly modified: number;
}

/** @throws the system's error where the file cannot be looked at */
export async function identify(path: string): Promise<SpoolFileIdentity> {
  const { size, mtimeMs } = await stat(path);
  return { name: basename(path), size, modified: Math.floor(mtimeMs) };
}

export function isSame(a: SpoolFileIdentity, b: SpoolFileIdentity): boolean {
  return a.name === b.name && a.size === b.size && a.modified === b.modified;
}
