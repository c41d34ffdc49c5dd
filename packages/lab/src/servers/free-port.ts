import { randomInt } from 'node:crypto';
import { createServer, type ListenOptions } from 'node:net';

// Below the range from which systems take the ports of outgoing connections, so that a port noted today is seldom
// taken by chance when its owner comes back.
const lowest = 15_000;
const highest = 32_000;

/**
 * A loopback TCP port that nothing listens on. Each is given out once in the life of this process, and on Linux to no
 * other process that asks in the same way meanwhile: whoever is to listen on it may take a while to start.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, highest);
    if ((await reserve(port)) && (await isFree(port))) return port;
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

const reserved = new Set<number>();

/** Takes a port's name for the life of this process. Gives whether nobody had it. */
function reserve(port: number): Promise<boolean> {
  if (reserved.has(port)) return Promise.resolve(false);
  reserved.add(port);
  if (process.platform !== 'linux') return Promise.resolve(true);
  // A name outside the file system: the kernel gives it back however this process ends.
  const name: ListenOptions = { path: `\0holdfast-port-${port}`, exclusive: true };
  return new Promise((resolve) => {
    const server = createServer();
    server.unref();
    // Where such names cannot be had at all, nobody has this one either.
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'EADDRINUSE'));
    server.listen(name, () => resolve(true));
  });
}
