/** The bytes of a text, in UTF-8. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

/** The text, in UTF-8, of bytes. */
export function text(body: Uint8Array): string {
  return Buffer.from(body).toString();
}
