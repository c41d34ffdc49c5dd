import { randomBytes } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';

/** Writes a file so that a reader finds the old contents or the new, never a part. Only its owner may read it. */
export async function writeWhole(path: string, text: string): Promise<void> {
  // Several writes of one process may be under way at once.
  const unfinished = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.new`;
  await writeFile(unfinished, text, { mode: 0o600 });
  await rename(unfinished, path);
}
