import { setTimeout as sleep } from 'node:timers/promises';
import { EarlyExitError, type GuardedProcess } from './guarded-process.js';

/** Something did not come about in the time that it was given. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  readonly code = 'deadline';

  constructor(
    readonly what: string,
    readonly timeoutMs: number,
    readonly lastSeen: string,
  ) {
    super(`${what}: not within ${timeoutMs / 1000} s${lastSeen === '' ? '' : ` (${lastSeen})`}`);
  }
}

/** All but undefined, `false` and promises: a probe that gives `false` would end the wait before it is so. */
type Answer = string | number | bigint | true | null | (object & { readonly then?: never });

/**
 * Asks again and again until the answer is not undefined.
 *
 * @param what what is waited for, for the error
 * @param probe gives undefined, or throws, while it is not so yet
 * @throws DeadlineError with what the last attempt threw
 */
export async function waitFor<T extends Answer>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  { timeoutMs = 30_000, everyMs = 50 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  let lastSeen = '';
  for (const deadline = Date.now() + timeoutMs; ; ) {
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (error instanceof EarlyExitError) throw error;
      lastSeen = (error as Error).message;
    }
    if (Date.now() > deadline) throw new DeadlineError(what, timeoutMs, lastSeen);
    await sleep(everyMs);
  }
}

/**
 * Waits until a process that was just started does its work.
 *
 * @param isReady throws while it is not ready
 * @throws EarlyExitError if the process ends first, with its own last words
 * @throws DeadlineError if it takes too long; the process is left running
 */
export async function untilReady(
  name: string,
  started: GuardedProcess,
  isReady: () => Promise<unknown>,
  timeoutMs = 60_000,
): Promise<void> {
  const check = async () => {
    if (started.hasExited()) throw new EarlyExitError(name, await started.exited, await started.lastOutput());
    await isReady();
    return true as const;
  };
  await waitFor(`${name} becomes ready`, check, { timeoutMs, everyMs: 30 });
}
