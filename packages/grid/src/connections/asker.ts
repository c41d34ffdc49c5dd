import { StorageServerError } from '../errors.js';

/** How long somebody waits for an answer. */
export interface Patience {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds in which the server is being asked; as long as it takes where not given. */
  readonly within: number | undefined;
}

/**
 * Somebody who asks a server for something. It leaves when its signal says so or its time is over, whatever becomes of the
 * request that its question went with.
 */
export class Asker<Question, Answer> {
  /** Rejects with a StorageServerError: that of the request, or `aborted` when it has left. */
  readonly answer: Promise<Answer>;
  /** Called when it leaves; whoever has its question at the time listens. */
  onLeave: () => void = () => undefined;
  #waits = true;
  #timer: NodeJS.Timeout | undefined;
  /** Milliseconds that are left to it. */
  #left: number | undefined;
  #began = 0;
  readonly #within: number | undefined;
  readonly #nickname: () => string;
  #settle: (outcome: { readonly answer: Answer } | { readonly error: unknown }) => void = () => undefined;

  constructor(
    readonly question: Question,
    { signal, within }: Patience,
    nickname: () => string,
  ) {
    this.#left = within;
    this.#within = within;
    this.#nickname = nickname;
    this.answer = new Promise((resolve, reject) => {
      const onAbort = () => this.#leave('nobody waits for the answer any more');
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#settle = (outcome) => {
        this.#waits = false;
        clearTimeout(this.#timer);
        signal?.removeEventListener('abort', onAbort);
        if ('answer' in outcome) resolve(outcome.answer);
        else reject(outcome.error);
      };
      if (signal?.aborted) onAbort();
    });
  }

  /** The server is being asked from now on. */
  begin(): void {
    const left = this.#left;
    if (!this.#waits || left === undefined) return;
    this.#began = performance.now();
    this.#timer = setTimeout(
      () => this.#leave(`did not answer within ${(this.#within ?? 0) / 1000} s`),
      left,
    );
  }

  /** The server is not being asked any more: time in which a further request waits for its turn is none of the server's. */
  pause(): void {
    if (this.#timer === undefined || this.#left === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#left = Math.max(0, this.#left - (performance.now() - this.#began));
  }

  /** Whether it has neither had an answer nor left. */
  get waits(): boolean {
    return this.#waits;
  }

  give(answer: Answer): void {
    this.#settle({ answer });
  }

  fail(error: unknown): void {
    this.#settle({ error });
  }

  #leave(why: string): void {
    this.fail(new StorageServerError('aborted', this.#nickname(), why));
    this.onLeave();
  }
}

/** Makes a request for several, whose signal ends it when none of them waits for it any more. */
export function whileAwaited<Answer>(
  askers: readonly Pick<Asker<unknown, unknown>, 'waits' | 'onLeave'>[],
  request: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const ending = new AbortController();
  for (const asker of askers)
    asker.onLeave = () => {
      if (askers.every(({ waits }) => !waits)) ending.abort();
    };
  return request(ending.signal);
}
