import { waitFor } from '../processes/until-ready.js';

/** How many storage servers a broker is connected to at this moment, by its `GET /?t=json`. */
export async function connectedServers(broker: string): Promise<number> {
  const response = await fetch(new URL('/?t=json', broker), { signal: AbortSignal.timeout(5_000) });
  const { servers } = (await response.json()) as { servers: { connection_status: string }[] };
  return servers.filter((server) => server.connection_status.startsWith('Connected')).length;
}

/** Waits until a broker is connected to exactly so many storage servers. Throws DeadlineError. */
export async function waitForServers(broker: string, count: number, timeoutMs = 30_000): Promise<void> {
  const check = async () => {
    const connected = await connectedServers(broker);
    if (connected !== count) throw new Error(`it is connected to ${connected}`);
    return true as const;
  };
  await waitFor(`the broker at ${broker} is connected to ${count} storage servers`, check, { timeoutMs });
}
