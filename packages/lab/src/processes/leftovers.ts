import { execFile } from 'node:child_process';
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

/** Whether process `pid` is there and its command line contains `marker`. */
export async function isRunning(pid: number, marker: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'stat=,args=', '-p', String(pid)]);
    return !stdout.trimStart().startsWith('Z') && stdout.includes(marker);
  } catch {
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
