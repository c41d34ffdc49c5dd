import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Milliseconds by which what is said to a server, and what it says, is late. */
export interface Latency {
  readonly there: number;
  readonly back: number;
}

/** A TCP proxy in front of a server, as far away as is wanted. */
export class DelayingProxy implements AsyncDisposable {
  private constructor(
    readonly port: number,
    private readonly late: { latency: Latency },
    private readonly close: () => Promise<void>,
  ) {}

  /** @param to the server's port, on loopback */
  static async open(to: number): Promise<DelayingProxy> {
    const late = { latency: { there: 0, back: 0 } };
    const sockets = new Set<Socket>();
    const listener = createServer({ noDelay: true }, (client) => {
      const server = connect({ host: '127.0.0.1', port: to, noDelay: true });
      const end = () => {
        client.destroy();
        server.destroy();
      };
      for (const socket of [client, server]) {
        sockets.add(socket);
        socket.on('error', end).on('close', () => {
          sockets.delete(socket);
          end();
        });
      }
      client.on('data', (chunk) => writeAfter(late.latency.there, server, chunk));
      server.on('data', (chunk) => writeAfter(late.latency.back, client, chunk));
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new DelayingProxy((listener.address() as AddressInfo).port, late, async () => {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    });
  }

  /** To be called while nothing is on its way: what comes later would overtake it where it is less than before. */
  delayBy(latency: Latency): void {
    this.late.latency = latency;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Timers of the same length go off in the order in which they were set. */
function writeAfter(delay: number, to: Socket, chunk: Buffer): void {
  const write = () => to.writable && to.write(chunk);
  if (delay === 0) write();
  else setTimeout(write, delay);
}
