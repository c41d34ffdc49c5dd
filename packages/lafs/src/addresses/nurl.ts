import { AddressError } from './address-error.js';
import { formatNetworkLocation, type NetworkLocation, parseNetworkLocation } from './network-location.js';

/** How a server is reached: directly, as an onion service or inside I2P. */
export type Transport = 'tcp' | 'tor' | 'i2p';

/** One address of a storage server that speaks HTTPS, with the secret that opens it. */
export interface Nurl extends NetworkLocation {
  readonly version: 1;
  readonly transport: Transport;
  /** SHA-256 of the certificate's SubjectPublicKeyInfo in DER: 32 bytes. */
  readonly spkiHash: Uint8Array;
  /** The secret that opens the server. */
  readonly swissnum: string;
}

/** A NURL without a port is an HTTPS URL without a port; so the peer treats it. */
const defaultHttpsPort = 443;

const transportOf = { pb: 'tcp', 'pb+tor': 'tor', 'pb+i2p': 'i2p' } as const;
const schemeOf = { tcp: 'pb', tor: 'pb+tor', i2p: 'pb+i2p' } as const;

/** The hash is 32 bytes in base64url without padding, whose last character carries 4 bits. */
const nurlPattern =
  /^(pb|pb\+tor|pb\+i2p):\/\/([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])@([^/@]+)\/([^/?#]+)#v=1$/;
const form = 'pb://<hash, 43 characters>@<host>[:<port>]/<swissnum>#v=1, or with pb+tor: or pb+i2p:';

/**
 * Reads a version 1 NURL (specifications/url.rst, "NURLs", "Version 1"). `tcp:` before the host, as in the
 * document's examples, is allowed.
 *
 * @throws {@link AddressError}
 */
export function parseNurl(text: string): Nurl {
  const match = nurlPattern.exec(text);
  if (match === null) throw new AddressError('NURL', form);
  const transport = transportOf[match[1] as keyof typeof transportOf];
  const place = transport === 'tcp' ? match[3]!.replace(/^tcp:/, '') : match[3]!;
  const location = parseNetworkLocation(place, defaultHttpsPort);
  if (location === undefined) throw new AddressError('NURL', 'a host and a port of 1 to 65535');
  const spkiHash = new Uint8Array(Buffer.from(match[2]!, 'base64url'));
  return { version: 1, transport, spkiHash, ...location, swissnum: decodeSegment(match[4]!) };
}

/** Writes a NURL in the form of a version 1 NURL, always with its port. */
export function formatNurl(
  nurl: NetworkLocation & {
    readonly transport?: Transport;
    readonly spkiHash: Uint8Array;
    readonly swissnum: string;
  },
): string {
  const hash = Buffer.from(nurl.spkiHash).toString('base64url');
  const scheme = schemeOf[nurl.transport ?? 'tcp'];
  return `${scheme}://${hash}@${formatNetworkLocation(nurl)}/${encodeURIComponent(nurl.swissnum)}#v=1`;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AddressError('NURL', 'a swissnum with valid percent-encoding');
  }
}
