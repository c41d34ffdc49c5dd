import type { Socket } from 'node:net';
import { NatsConnectionImpl, type NodeConnectionOptions, setTransportFactory } from '@nats-io/transport-node';
import { NodeTransport, nodeResolveHost } from '@nats-io/transport-node/lib/node_transport.js';

/** A server of the bus, as the library names it. */
export interface ChosenPlace {
  readonly hostname: string;
  readonly port: number;
}

/** The library's options, and who opens the connection instead of the library. */
export interface DialledConnectionOptions extends Omit<NodeConnectionOptions, 'tls'> {
  /** Whose name or address the certificate must have. */
  readonly tls?: NonNullable<NodeConnectionOptions['tls']> & {
    readonly servername?: string;
    readonly host?: string;
  };
  /** Opens a connection to a server that the library chose. */
  readonly dial: (place: ChosenPlace) => Promise<Socket>;
}

/** The library's transport, over a connection that somebody else opens. */
class DialledTransport extends NodeTransport {
  override async dial(place: ChosenPlace): Promise<Socket> {
    const { dial } = this.options as Partial<DialledConnectionOptions>;
    // One that somebody else opened with the library comes back by the newest transport, and this is it.
    if (!dial) return super.dial(place);
    // The server speaks first, so nothing may come between the connection and its reader, which takes over in the same
    // turn of the event loop.
    return dial(place);
  }
}

/** As the library's `connect`, which makes its own transport the one for every connection, old ones that come back too. */
export function connectDialled(
  options: DialledConnectionOptions,
): ReturnType<typeof NatsConnectionImpl.connect> {
  setTransportFactory({ factory: () => new DialledTransport(), dnsResolveFn: nodeResolveHost });
  return NatsConnectionImpl.connect(options);
}
