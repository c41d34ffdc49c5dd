import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readStart } from '@holdfast/common/configuration';

const largest = 1024 * 1024;

/** Whether a file of `private/` is one that an introducer is reached with: its password, or whom its bus is trusted by. */
export function isAccessFile(name: string): boolean {
  return /^(bus|introducer-[A-Za-z0-9_-]{1,40})(\.password|-ca\.pem)$/.test(name);
}

/** What tells whether any of them has changed since. Files that cannot be read are as if they were not there. */
export async function accessFilesMark(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter(isAccessFile).sort();
  const mark = createHash('sha256');
  for (const name of names) {
    const content = await readStart(join(folder, name), largest).catch(() => undefined);
    if (content !== undefined) mark.update(`${name}\0${content}\0`);
  }
  return mark.digest('hex');
}
