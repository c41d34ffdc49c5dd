import { createWriteStream, rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';

/**
 * Writes a file that appears whole or not at all: under another name beside it until everything is there and on the
 * disk. What `fill` throws, or Ctrl-C, leaves nothing behind.
 *
 * @param fill writes all to the stream that it is given and ends it
 */
export async function writeWholeFile(
  path: string,
  fill: (open: () => Writable) => Promise<void>,
): Promise<void> {
  const unfinished = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  const onSignal = (signal: NodeJS.Signals) => {
    rmSync(unfinished, { force: true });
    process.kill(process.pid, signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, onSignal);
  try {
    await fill(() => createWriteStream(unfinished, { flags: 'wx', mode: 0o666 }));
    const file = await open(unfinished, 'r+');
    await file.sync();
    await file.close();
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}
