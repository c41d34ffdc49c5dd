import * as z from 'zod';
import { proxyEndpoint } from './proxy-endpoint.js';

/** Where Tor and i2pd listen for SOCKS when nobody tells them otherwise. */
const [usualTor, usualI2p] = ['tcp:127.0.0.1:9050', 'tcp:127.0.0.1:4447'];

const direct = z.strictObject({ handler: z.literal('tcp') });
const disabled = z.strictObject({ handler: z.literal('disabled') });
const at = (usual: string) => z.strictObject({ endpoint: proxyEndpoint.prefault(usual) }).prefault({});
const byProxy = [
  z.strictObject({
    handler: z.literal('socks5'),
    parameters: z.strictObject({ endpoint: proxyEndpoint }),
  }),
  z.strictObject({ handler: z.literal('tor'), parameters: at(usualTor) }),
  z.strictObject({ handler: z.literal('i2p'), parameters: at(usualI2p) }),
] as const;

const anyHandler = z.discriminatedUnion('handler', [direct, ...byProxy, disabled], {
  error: 'expected a handler: tcp, socks5, tor, i2p or disabled',
});
// A direct connection would begin by asking a name server for the hidden service.
const hiddenHandler = z.discriminatedUnion('handler', [...byProxy, disabled], {
  error: 'expected a handler that can reach it: socks5, tor, i2p or disabled',
});

/**
 * Which handler makes connections to each kind of address; what is not there is not used. A map replaces the one that
 * would hold in its place, whole.
 */
export const connectionTypes = z.strictObject({
  tcp: anyHandler.optional(),
  tor: hiddenHandler.optional(),
  i2p: hiddenHandler.optional(),
});

/** How connections to one kind of address are made. */
export type ConnectionHandler = z.output<typeof anyHandler>;
export type ConnectionTypes = Readonly<z.output<typeof connectionTypes>>;
/** A map as it is written into a file. */
export type WrittenConnectionTypes = Readonly<z.input<typeof connectionTypes>>;
/** The names of the handlers that make connections. */
export type HandlerName = Exclude<ConnectionHandler['handler'], 'disabled'>;

/** What holds where nothing is said: direct connections, and nothing that would need a proxy. */
export const defaultConnectionTypes: ConnectionTypes = { tcp: { handler: 'tcp' } };
