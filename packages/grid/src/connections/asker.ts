import type { FileQuestion, SharesAnswer } from '@holdfast/lafs';
import { StorageServerError } from '../errors.js';

/** How long somebody waits for an answer. */
export interface Patience {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds from now; as long as it takes where not given. */
  readonly within: number | undefined;
}

/**
 * Somebody who asks a server about a file. It leaves when its signal says so or its time is over, whatever becomes of the
 * request that its question went with.
 */
export class Asker {
  /** Rejects with a StorageServerError: that of the request, or `aborted` when it has left. */
  readonly answer: Promise<SharesAnswer>;
  /** Called when it leaves; whoever has its question at the time listens. */
  onLeave: () => void = () => undefined;
  #waits = true;
  #settle: (outcome: { readonly answer: SharesAnswer } | { readonly error: unknown }) => void = () =>
    undefined;

  constructor(
    readonly question: FileQuestion,
    { signal, within }: Patience,
    nickname: () => string,
  ) {
    this.answer = new Promise((resolve, reject) => {
      const leave = (why: string) => {
        this.#settle({ error: new StorageServerError('aborted', nickname(), why) });
        this.onLeave();
      };
      const onAbort = () => leave('nobody waits for the answer any more');
      const timer =
        within === undefined
          ? undefined
          : setTimeout(() => leave(`did not answer within ${within / 1000} s`), within);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#settle = (outcome) => {
        this.#waits = false;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if ('answer' in outcome) resolve(outcome.answer);
        else reject(outcome.error);
      };
      if (signal?.aborted) onAbort();
    });
  }

  /** Whether it has neither had an answer nor left. */
  get waits(): boolean {
    return this.#waits;
  }

  give(answer: SharesAnswer): void {
    this.#settle({ answer });
  }

  fail(error: unknown): void {
    this.#settle({ error });
  }
}

/** Does what several ask for, until none of them waits for it any more. */
export function whileAwaited<T>(
  askers: readonly Asker[],
  request: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  let left = askers.length;
  for (const asker of askers)
    asker.onLeave = () => {
      left--;
      if (left === 0) ending.abort();
    };
  return request(ending.signal);
}
