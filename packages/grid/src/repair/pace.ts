/** Waited for before so many bytes are read from servers and written to them: whoever gives it limits the bandwidth. */
export type Pace = (bytes: number) => Promise<void>;

/** As fast as it goes. */
export const unlimited: Pace = async () => undefined;
