/**
 * The netstring of a byte string: `<length in decimal>:<bytes>,`
 * (specifications/lease.rst, "Renewal Secrets"; used under every tagged hash).
 */
export function netstring(bytes: Uint8Array): Uint8Array {
  const length = Buffer.from(`${bytes.length}:`, 'latin1');
  const out = new Uint8Array(length.length + bytes.length + 1);
  out.set(length);
  out.set(bytes, length.length);
  out[out.length - 1] = 0x2c;
  return out;
}
