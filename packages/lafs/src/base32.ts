import { base32nopad } from '@scure/base';

/** A text that is not base32 as the peer writes it. The text itself is never part of the message. */
export class MalformedBase32Error extends Error {
  override readonly name = 'MalformedBase32Error';
  readonly code = 'malformed-base32';

  constructor() {
    super('malformed base32: expected lowercase a-z and 2-7, without padding and without stray last bits');
  }
}

/**
 * Writes bytes in base32: the RFC 3548 alphabet in lowercase, without `=`
 * (specifications/uri.rst, "CHK URIs"). n bytes become ⌈8n/5⌉ characters.
 */
export function base32Encode(bytes: Uint8Array): string {
  return base32nopad.encode(bytes).toLowerCase();
}

/**
 * Reads what {@link base32Encode} writes, and nothing else: no uppercase, no padding, and the bits of the
 * last character that carry no data must be zero, so that every byte string has exactly one text.
 *
 * @throws {@link MalformedBase32Error}
 */
export function base32Decode(text: string): Uint8Array {
  if (!/^[a-z2-7]*$/.test(text)) throw new MalformedBase32Error();
  try {
    return base32nopad.decode(text.toUpperCase());
  } catch {
    throw new MalformedBase32Error();
  }
}
