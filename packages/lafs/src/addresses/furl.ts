import { base32Decode, base32Encode } from '../base32.js';
import { AddressError } from './address-error.js';
import { formatNetworkLocation, type NetworkLocation, parseNetworkLocation } from './network-location.js';
import type { Transport } from './nurl.js';

/** One place where a Foolscap server may be reached; `other` is a hint of a kind we do not know. */
export type ConnectionHint =
  | (NetworkLocation & { readonly transport: Transport })
  | { readonly transport: 'other'; readonly text: string };

/** A Foolscap address. We never connect to it; clients need its tub id, which seeds lease secrets. */
export interface Furl {
  /** SHA-1 of the server's certificate in DER: 20 bytes. */
  readonly tubId: Uint8Array;
  readonly hints: readonly ConnectionHint[];
  /** The name of the object, a secret. */
  readonly swissnum: string;
}

const furlPattern = /^pb:\/\/([a-z2-7]{32})@([^/@]*)\/([^\s]+)$/;
const form = 'pb://<tub id, 32 characters>@<hint>,<hint>…/<swissnum>';

/**
 * Reads a FURL (specifications/url.rst, "Background"): hints are `tcp:host:port`, `tor:host:port`,
 * `i2p:host:port`, or plain `host:port` as old releases wrote them. No hints at all are allowed, and so are
 * hints of unknown kinds (an `i2p:` hint without a port is one).
 *
 * @throws {@link AddressError}
 */
export function parseFurl(text: string): Furl {
  const match = furlPattern.exec(text);
  if (match === null) throw new AddressError('FURL', form);
  const hints = match[2] === '' ? [] : match[2]!.split(',').map(parseHint);
  return { tubId: base32Decode(match[1]!), hints, swissnum: match[3]! };
}

/** Writes a FURL in the form that {@link parseFurl} reads. */
export function formatFurl(furl: Furl): string {
  return `pb://${base32Encode(furl.tubId)}@${furl.hints.map(formatHint).join(',')}/${furl.swissnum}`;
}

function parseHint(text: string): ConnectionHint {
  const [, transport, place] = /^(?:(tcp|tor|i2p):)?(.*)$/s.exec(text)!;
  const location = parseNetworkLocation(place!);
  if (location === undefined) return { transport: 'other', text };
  return { transport: (transport ?? 'tcp') as Transport, ...location };
}

function formatHint(hint: ConnectionHint): string {
  return hint.transport === 'other' ? hint.text : `${hint.transport}:${formatNetworkLocation(hint)}`;
}
