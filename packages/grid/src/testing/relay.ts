import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A TCP relay in front of a server, which can stop passing on what the server says, as a dead network does. */
export interface Relay extends AsyncDisposable {
  readonly port: number;
  /** Bytes that the server has said up to now. */
  readonly said: () => number;
  /** Nothing that the server says is passed on any more; nothing is closed. */
  stall(): void;
  /** A connection is stalled once the server says more than so many bytes at a time, as where large packets get lost. */
  stallAbove(bytes: number): void;
  /** What was held back is passed on, and all that comes. */
  resume(): void;
  /** The next time that the server says something while `when` holds, the connection is cut instead. */
  cutOnce(when: () => boolean): void;
  /** What the server says from now on is passed on so many milliseconds late. */
  delay(milliseconds: number): void;
}

/**
 * Opens a relay to a loopback port.
 *
 * @param bytesPerSecond how fast each connection passes on what the client says; at once where not given
 */
export async function openRelay(to: number, bytesPerSecond?: number): Promise<Relay> {
  const pairs = new Set<{ client: Socket; server: Socket }>();
  let stalled = false;
  let said = 0;
  let late = 0;
  let cut: (() => boolean) | undefined;
  let largest = Number.POSITIVE_INFINITY;
  const listener = createServer((client) => {
    const server = connect({ host: '127.0.0.1', port: to });
    const pair = { client, server };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on('error', end).on('close', end);
    server.on('error', end).on('close', end);
    if (bytesPerSecond === undefined) client.pipe(server);
    else passSlowly(client, server, bytesPerSecond).catch(end);
    let passed: Promise<unknown> = Promise.resolve();
    server.on('data', (chunk) => {
      said += chunk.length;
      if (cut?.()) {
        cut = undefined;
        end();
        return;
      }
      if (chunk.length > largest) {
        server.pause();
        server.unshift(chunk);
        return;
      }
      const due = late > 0 ? sleep(late, undefined, { ref: false }) : undefined;
      passed = passed.then(() => due).then(() => client.write(chunk));
    });
    if (stalled) server.pause();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const every = (act: (server: Socket) => void) => {
    for (const { server } of pairs) act(server);
  };
  return {
    port: (listener.address() as AddressInfo).port,
    said: () => said,
    stall: () => {
      stalled = true;
      every((server) => server.pause());
    },
    stallAbove: (bytes) => {
      largest = bytes;
    },
    resume: () => {
      stalled = false;
      largest = Number.POSITIVE_INFINITY;
      every((server) => server.resume());
    },
    cutOnce: (when) => {
      cut = when;
    },
    delay: (milliseconds) => {
      late = milliseconds;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { client } of pairs) client.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** What one side says to the other, some of it every fiftieth of a second. */
async function passSlowly(from: Socket, to: Socket, bytesPerSecond: number): Promise<void> {
  const step = Math.ceil(bytesPerSecond / 50);
  for await (const chunk of from as AsyncIterable<Buffer>)
    for (let at = 0; at < chunk.length; at += step) {
      to.write(chunk.subarray(at, at + step));
      await sleep(20, undefined, { ref: false });
    }
  to.end();
}
