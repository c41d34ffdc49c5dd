import { UsageError } from '../exit-status.js';

/** What it listens at is where it can be reached, unless that means every address: then nothing is guessed. */
export function reachable(listen: string): string {
  if (!/^(0\.0\.0\.0|\[::\]):/.test(listen)) return listen;
  throw new UsageError(`it listens at every address (${listen}): say with --location where clients reach it`);
}
