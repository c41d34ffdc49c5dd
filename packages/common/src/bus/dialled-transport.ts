import type { Socket } from 'node:net';
import { NatsConnectionImpl, type NodeConnectionOptions, setTransportFactory } from '@nats-io/transport-node';
import { NodeTransport, nodeResolveHost } from '@nats-io/transport-node/lib/node_transport.js';

/** The library's options, and who opens the connection instead of the library. */
export interface DialledConnectionOptions extends Omit<NodeConnectionOptions, 'tls'> {
  /** Whose name or address the certificate must have. */
  readonly tls?: NonNullable<NodeConnectionOptions['tls']> & {
    readonly servername?: string;
    readonly host?: string;
  };
  /** Opens a connection to the server; undefined: the library does, directly. */
  readonly dial?: (() => Promise<Socket>) | undefined;
}

/** The library's transport, over a connection that somebody else opens. */
class DialledTransport extends NodeTransport {
  override async dial(place: { hostname: string; port: number }): Promise<Socket> {
    const { dial } = this.options as DialledConnectionOptions;
    if (!dial) return super.dial(place);
    // The server speaks first, so nothing may come between the connection and its reader, which takes over in the same
    // turn of the event loop.
    return dial();
  }
}

/** As the library's `connect`, which makes its own transport the one for every connection, old ones that come back too. */
export function connectDialled(
  options: DialledConnectionOptions,
): ReturnType<typeof NatsConnectionImpl.connect> {
  setTransportFactory({ factory: () => new DialledTransport(), dnsResolveFn: nodeResolveHost });
  return NatsConnectionImpl.connect(options);
}
