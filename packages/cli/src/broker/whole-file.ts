import { createWriteStream, rmSync, type WriteStream } from 'node:fs';
import { open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Writable } from 'node:stream';

/**
 * Writes a file that appears whole or not at all: under another name beside it until everything is there and on the
 * disk. What `fill` throws, or Ctrl-C, leaves nothing behind. A link stays one, to what it leads to; and what is there and no
 * file, such as a pipe or `/dev/null`, is written to as it is.
 *
 * @param fill writes all to the stream that it is given and ends it
 */
export async function writeWholeFile(
  named: string,
  fill: (open: () => Writable) => Promise<void>,
): Promise<void> {
  const path = await whereItLeads(named);
  const there = await stat(path).catch(() => undefined);
  if (there && !there.isFile() && !there.isDirectory())
    return fill(() => createWriteStream(path, { flags: 'w' }));
  const unfinished = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  const onSignal = (signal: NodeJS.Signals) => {
    rmSync(unfinished, { force: true });
    process.kill(process.pid, signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, onSignal);
  let stream: WriteStream | undefined;
  try {
    await fill(() => {
      stream = createWriteStream(unfinished, { flags: 'wx', mode: 0o666 });
      return stream;
    });
    const file = await open(unfinished, 'r+');
    await file.sync();
    await file.close();
    await rename(unfinished, path);
  } catch (error) {
    // It may not be opened yet, and would make the file after it was removed.
    if (stream) await closed(stream);
    await rm(unfinished, { force: true });
    throw error;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}

function closed(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    else stream.once('close', resolve).destroy();
  });
}

/** Through links, also where nothing is at their end yet. */
async function whereItLeads(named: string): Promise<string> {
  try {
    return await realpath(named);
  } catch {
    const next = await readlink(named).catch(() => undefined);
    return next === undefined ? named : resolve(dirname(named), next);
  }
}
