import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard, release } from './warden.js';

/** What to run, and how to end it. */
export interface ProcessDescription {
  /** For messages: `s1`, `postgres`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The file that its output is added to. */
  readonly log: string;
  /** The signal that asks it to end in good order. */
  readonly stopSignal: NodeJS.Signals;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

/** How a process ended: its exit status, or the signal that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process ended before it was ready, or could not be started; the message ends with its own last lines. */
export class EarlyExitError extends Error {
  override readonly name = 'EarlyExitError';
  readonly code = 'early-exit';

  constructor(
    readonly process: string,
    readonly exit: Exit,
    readonly output: string,
  ) {
    const how = exit.signal === null ? `with status ${exit.code}` : `by ${exit.signal}`;
    super(`${process} ended ${how} before it was ready${output === '' ? '' : `:\n${output}`}`);
  }
}

/** A running process that does not outlive this one. */
export interface GuardedProcess {
  readonly pid: number;
  /** Resolves when it has ended, whatever the reason. */
  readonly exited: Promise<Exit>;
  readonly hasExited: () => boolean;
  /** Its last lines of output since it started. */
  readonly lastOutput: () => Promise<string>;
  /** Asks it to end, makes it end after `graceMs`, and resolves when it has. */
  readonly stop: (graceMs?: number) => Promise<Exit>;
  /** SIGKILL. */
  readonly kill: () => Promise<Exit>;
}

// The shell holds the program back until the warden knows its pid: there is no moment at which our death would leave
// it running. Its standard input closes with us, and then it ends by itself.
const heldBack = 'read -r go && exec "$@" </dev/null';

/** Starts a process in a process group of its own, under the warden's guard. */
export async function startGuarded(what: ProcessDescription): Promise<GuardedProcess> {
  const logStart = (await stat(what.log).catch(() => undefined))?.size ?? 0;
  const log = openSync(what.log, 'a', 0o600);
  const child = spawn('/bin/sh', ['-c', heldBack, 'sh', what.command, ...what.args], {
    cwd: what.cwd ?? '/',
    env: what.env ?? process.env,
    detached: true,
    stdio: ['pipe', log, log],
    ...what.user,
  });
  closeSync(log);
  let ended = false;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = true;
      resolve({ code, signal });
    });
  });
  if (child.pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw new EarlyExitError(what.name, { code: 127, signal: null }, error.message);
  }
  const { pid } = child;
  await guard(pid, what.stopSignal);
  void exited.then(() => release(pid));
  child.stdin?.on('error', () => {});
  child.stdin?.end('go\n');

  const kill = () => {
    if (!ended) signalGroup(pid, 'SIGKILL');
    return exited;
  };
  return {
    pid,
    exited,
    hasExited: () => ended,
    lastOutput: async () =>
      (await readFile(what.log)).subarray(logStart).subarray(-4_000).toString('utf8').trim(),
    kill,
    stop: async (graceMs = 15_000) => {
      if (ended) return exited;
      child.kill(what.stopSignal);
      const giveUp = new AbortController();
      const timeout = sleep(graceMs, undefined, { signal: giveUp.signal }).then(kill, () => undefined);
      const exit = await exited;
      giveUp.abort();
      await timeout;
      return exit;
    },
  };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
