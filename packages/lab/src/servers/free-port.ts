import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the range from which systems take the ports of outgoing connections, so that a port noted today is seldom
// taken by chance when its owner comes back.
const lowest = 15_000;
const highest = 32_000;

const given = new Set<number>();

/** A loopback TCP port that nothing listens on. Each is given out once in the life of this process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, highest);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

/** Whether one could listen on this loopback port now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Whether a server's last words say that its port was taken by another. */
export function saysPortTaken(output: string): boolean {
  return /address already in use|EADDRINUSE/i.test(output);
}
