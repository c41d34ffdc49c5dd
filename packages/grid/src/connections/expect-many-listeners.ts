import { setMaxListeners } from 'node:events';

/** Every request of a transfer listens to its signal: more than Node.js, which warns of leaks, expects. */
export function expectManyListeners(signal: AbortSignal | undefined): void {
  if (signal) setMaxListeners(0, signal);
}
