import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** In the share folder; Tahoe-LAFS looks at no name there but `incoming` and those of two characters. */
const lockName = 'holdfast-lock';

/** Somebody who gives a lock up just then is waited out, not told of. */
const mostAttempts = 5;

/** Another process serves a share folder. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
  readonly code = 'folder-in-use';

  constructor(
    readonly folder: string,
    readonly pid: number,
  ) {
    super(`the share folder ${folder} is in use by process ${pid}`);
  }
}

/** A process, told apart from others that had its number before, or will have it. */
interface Holder {
  readonly pid: number;
  /** When it was started, by the system's own count; empty where the system does not tell. */
  readonly started: string;
}

/**
 * Keeps a share folder to this process, also against nodes with other ports and folders that were pointed at it by
 * mistake: whoever serves it clears away what others are uploading. The lock of a process that has ended is taken over.
 * Processes of other machines and containers are not seen.
 *
 * @returns how to give it up
 * @throws FolderInUseError
 */
export function lockFolder(folder: string): () => void {
  const lock = join(folder, lockName);
  const own = `${lock}.${process.pid}`;
  const started = startOf(process.pid) ?? '';
  writeFileSync(own, JSON.stringify({ pid: process.pid, started } satisfies Holder));
  try {
    for (let attempt = 1; ; attempt++) {
      if (link(own, lock)) return () => unlinkSync(lock);
      const text = read(lock);
      const holder = parse(text);
      if (holder && isRunning(holder)) throw new FolderInUseError(folder, holder.pid);
      if (attempt === mostAttempts) throw new FolderInUseError(folder, holder?.pid ?? 0);
      takeAway(lock, text, own);
    }
  } finally {
    unlinkSync(own);
  }
}

/** Removes the lock of a process that has ended, unless another process has put its own there meanwhile. */
function takeAway(lock: string, expected: string | undefined, own: string): void {
  const aside = `${own}.aside`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  if (read(aside) !== expected) link(aside, lock);
  unlinkSync(aside);
}

function isRunning({ pid, started }: Holder): boolean {
  const now = startOf(pid);
  if (now !== undefined && started !== '') return now === started;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process was started: the boot and field 22 of proc(5)'s `stat`. Undefined where the system does not tell. */
function startOf(pid: number): string | undefined {
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim();
  const stat = read(`/proc/${pid}/stat`);
  // The name of the program, in brackets, may have spaces and brackets in it.
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return boot === undefined || ticks === undefined ? undefined : `${boot} ${ticks}`;
}

function parse(text: string | undefined): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(text ?? '') as Partial<Holder>;
    return Number.isInteger(pid) && typeof started === 'string' ? { pid: pid as number, started } : undefined;
  } catch {
    return undefined;
  }
}

/** Gives a file a second name; false where something has that name. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
