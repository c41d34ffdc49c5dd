import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/**
 * Ends a process of an earlier run that is still there although nobody watches over it any more.
 *
 * @param pid where it ran when it was recorded; another process may have that number by now
 * @param marker what its command line must contain to be the one that was meant
 */
export async function endLeftover(pid: number, marker: string): Promise<void> {
  if (!(await isRunning(pid, marker))) return;
  signal(pid, 'SIGTERM');
  for (const deadline = Date.now() + 5_000; Date.now() < deadline; await sleep(50)) {
    if (!(await isRunning(pid, marker))) return;
  }
  signal(pid, 'SIGKILL');
  while (await isRunning(pid, marker)) await sleep(20);
}

/**
 * Whether process `pid` is there and its command line contains `marker`.
 *
 * @throws the error of starting `ps`, where the system has no /proc and that is missing too: taken for gone, a process
 *   that runs would be forgotten
 */
export async function isRunning(pid: number, marker: string): Promise<boolean> {
  const look = existsSync('/proc/self/stat') ? lookInProc : askPs;
  for (const deadline = Date.now() + 1_000; ; await sleep(5)) {
    const found = await look(pid);
    if (found === undefined || found.state.startsWith('Z')) return false;
    if (found.commandLine.includes(marker)) return true;
    // In /proc a process that is just starting another program in its place has no command line for a moment; a thread of
    // the kernel, which may have the number by now, never has one.
    if (found.commandLine !== '' || Date.now() >= deadline) return false;
  }
}

interface Found {
  /** As `ps` shows it; Z for one that has ended and is not waited for yet. */
  readonly state: string;
  readonly commandLine: string;
}

/** Not by `ps`, which small containers have not. */
async function lookInProc(pid: number): Promise<Found | undefined> {
  const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8');
  try {
    const [stat, commandLine] = await Promise.all([read('stat'), read('cmdline')]);
    // The name of the program, in brackets, may have spaces and brackets in it.
    const state = stat.slice(stat.lastIndexOf(')') + 2);
    return { state, commandLine: commandLine.replaceAll('\0', ' ') };
  } catch (error) {
    // ESRCH: it ended between the opening of the file and its reading. EACCES, EPERM: another user's, where they are hidden.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}

async function askPs(pid: number): Promise<Found | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'stat=,args=', '-p', String(pid)]);
    return { state: stdout.trimStart(), commandLine: stdout };
  } catch (error) {
    // Its exit status where there is no such process.
    if (typeof (error as { code?: unknown }).code === 'number') return undefined;
    throw error;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
