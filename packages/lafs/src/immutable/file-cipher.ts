import { type Cipher, createCipheriv } from 'node:crypto';

const aesBlockSize = 16;

/**
 * The cipher between plaintext and ciphertext of an immutable file, both ways: AES-128 in counter mode, the
 * counter (128 bits, big-endian) being the number of the 16-byte block in the file, from 0
 * (specifications/file-encoding.rst, first section).
 *
 * @param key the read key, 16 bytes
 * @param position the byte of the file at which the data given to the cipher starts
 */
export function createFileCipher(key: Uint8Array, position = 0): Cipher {
  const counter = Buffer.alloc(aesBlockSize);
  counter.writeBigUInt64BE(BigInt(Math.floor(position / aesBlockSize)), 8);
  const cipher = createCipheriv('aes-128-ctr', key, counter);
  cipher.update(Buffer.alloc(position % aesBlockSize));
  return cipher;
}
