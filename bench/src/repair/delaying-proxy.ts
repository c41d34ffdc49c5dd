import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy in front of a server, through which its answers come later than they would. */
export class DelayingProxy implements AsyncDisposable {
  private constructor(
    readonly port: number,
    private readonly late: { latency: number },
    private readonly close: () => Promise<void>,
  ) {}

  /** @param to the server's port, on loopback */
  static async open(to: number): Promise<DelayingProxy> {
    const late = { latency: 0 };
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
      client.pipe(server);
      // Timers of the same length go off in the order in which they were set.
      server.on('data', (chunk) => {
        setTimeout(() => client.writable && client.write(chunk), late.latency);
      });
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new DelayingProxy((listener.address() as AddressInfo).port, late, async () => {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    });
  }

  /**
   * To be called while nothing is on its way: less than before, and what comes later overtakes it.
   *
   * @param latency milliseconds by which everything that the server says is late from now on
   */
  delayBy(latency: number): void {
    this.late.latency = latency;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
