import { setMaxListeners } from 'node:events';

/** A signal that aborts with the first of several, until it is released. */
export interface JoinedSignal {
  readonly signal: AbortSignal;
  /** To be called when nothing waits for the signal any more: those that it goes by may be there for much longer. */
  readonly release: () => void;
}

/**
 * Joins signals into one, with its reason. Not by `AbortSignal.any` where one of them lasts as long as the process:
 * Node.js notes each signal that was ever made of another with that other, and never forgets it
 * (https://github.com/nodejs/node/issues/55351): some 150 bytes for each check of a file.
 *
 * @param deadline milliseconds after which it aborts by itself, with a TimeoutError
 */
export function joinSignals(signals: readonly AbortSignal[], deadline?: number): JoinedSignal {
  const joined = new AbortController();
  // As many may be joined at a time as there is to do.
  setMaxListeners(0, joined.signal, ...signals);
  const abort = (event: Event) => joined.abort((event.target as AbortSignal).reason);
  for (const signal of signals) {
    if (signal.aborted) joined.abort(signal.reason);
    else signal.addEventListener('abort', abort, { once: true });
  }
  const timer =
    deadline === undefined
      ? undefined
      : setTimeout(() => joined.abort(new DOMException('it took too long', 'TimeoutError')), deadline);
  return {
    signal: joined.signal,
    release: () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', abort);
    },
  };
}
