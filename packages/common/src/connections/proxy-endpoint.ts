import * as z from 'zod';
import { formatHostPort, type HostPort, parseHostPort } from '../configuration/values.js';

/** Where a SOCKS proxy listens: a Unix socket or a TCP port. */
export type ProxyEndpoint = { readonly path: string } | HostPort;

/** Writes an endpoint as `connections.yaml` has it. */
export function formatProxyEndpoint(endpoint: ProxyEndpoint): string {
  return 'path' in endpoint ? `unix:${endpoint.path}` : `tcp:${formatHostPort(endpoint)}`;
}

const form = 'expected unix:/path/of/socket or tcp:host:port';

/** `unix:/path` or `tcp:host:port`, read into its parts. */
export const proxyEndpoint = z.string(form).transform((text, context): ProxyEndpoint => {
  const [, kind, place = ''] = /^(unix|tcp):(.*)$/s.exec(text) ?? [];
  if (kind === 'unix' && place.startsWith('/') && !place.includes('\0')) return { path: place };
  const location = kind === 'tcp' ? parseHostPort(place) : undefined;
  if (location && location.port > 0) return location;
  context.issues.push({ code: 'custom', message: form, input: text });
  return z.NEVER;
});
