import { randomBytes } from 'node:crypto';

/** A storage index that nothing is stored at yet. */
export function newIndex(): Uint8Array {
  return new Uint8Array(randomBytes(16));
}

/** The bytes of a text, in UTF-8. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

/** The text, in UTF-8, of bytes. */
export function text(body: Uint8Array): string {
  return Buffer.from(body).toString();
}
