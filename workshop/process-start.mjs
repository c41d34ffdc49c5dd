import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * When a process was started, as a text that no other process of its number has: the boot and field 22 of proc(5)'s
 * `stat`, or what `ps` says. Empty where there is no such process, or the system does not tell.
 */
export function startOf(pid) {
  return read('/proc/self/stat') === undefined ? fromPs(pid) : fromProc(pid);
}

function fromProc(pid) {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return '';
  const boot = read('/proc/sys/kernel/random/boot_id') ?? '';
  // The name of the program, in brackets, may have spaces and brackets in it.
  return `${boot.trim()} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function fromPs(pid) {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      // Everybody is to be told the same.
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    }).trim();
  } catch {
    return '';
  }
}
