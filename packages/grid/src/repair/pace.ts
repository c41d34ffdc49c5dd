/** Waited for before so many bytes are read from servers and written to them: whoever gives it limits the bandwidth. */
export type Pace = (bytes: number) => Promise<void>;

/** As fast as it goes. */
export const unlimited: Pace = async () => undefined;

/** As `pace`, but with the signal nobody waits any more. */
export function untilUnwanted(pace: Pace, signal: AbortSignal | undefined): Pace {
  if (!signal || pace === unlimited) return pace;
  return (bytes) =>
    new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      pace(bytes)
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', onAbort));
    });
}
