import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./warden-main.mjs', import.meta.url));

let current: ChildProcess | undefined;
const guarded = new Map<number, NodeJS.Signals>();

/**
 * Puts a process under guard: should this process end without having stopped it, by SIGKILL even, the warden sends
 * it `signal`, and SIGKILL to its process group if that does not end it soon. One warden serves all of a process.
 */
export async function guard(pid: number, signal: NodeJS.Signals): Promise<void> {
  guarded.set(pid, signal);
  if (current === undefined) await startWarden();
  else await tell(current, `guard ${pid} ${signal}`);
}

/** Ends the guard over a process that has exited, and the warden with the last one. */
export async function release(pid: number): Promise<void> {
  if (!guarded.delete(pid) || current === undefined) return;
  const warden = current;
  if (guarded.size === 0) current = undefined;
  await tell(warden, `release ${pid}`);
  if (guarded.size === 0) warden.stdin?.end();
}

async function startWarden(): Promise<void> {
  const warden = spawn(process.execPath, [program], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  current = warden;
  warden.unref();
  (warden.stdin as unknown as { unref?: () => void }).unref?.();
  warden.stdin?.on('error', () => {});
  warden.once('exit', () => {
    // Somebody ended the warden: what it guarded is guarded again by another.
    if (current !== warden) return;
    current = undefined;
    if (guarded.size > 0) void startWarden();
  });
  for (const [pid, signal] of guarded) await tell(warden, `guard ${pid} ${signal}`);
}

/** Resolves once the line has left this process, so that its death no longer keeps the warden from reading it. */
function tell(warden: ChildProcess, line: string): Promise<void> {
  return new Promise((resolve) => {
    if (!warden.stdin?.writable) resolve();
    else warden.stdin.write(`${line}\n`, () => resolve());
  });
}
