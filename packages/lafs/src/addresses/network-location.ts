/** A host and a port. The host is a name, an IPv4 address or an IPv6 address without brackets. */
export interface NetworkLocation {
  readonly host: string;
  /** 1 … 65535. */
  readonly port: number;
}

const hostPattern = String.raw`(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?))`;
const locationPattern = new RegExp(`^${hostPattern}(?::([1-9][0-9]{0,4}))?$`);

/**
 * Reads `host:port` or, with a default, `host`; an IPv6 address stands in brackets. Undefined if it is
 * neither.
 */
export function parseNetworkLocation(text: string, defaultPort?: number): NetworkLocation | undefined {
  const match = locationPattern.exec(text);
  if (match === null) return undefined;
  const host = match[1] ?? match[2]!;
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  return port === undefined || port > 65_535 ? undefined : { host, port };
}

/** Writes what {@link parseNetworkLocation} reads. */
export function formatNetworkLocation({ host, port }: NetworkLocation): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
