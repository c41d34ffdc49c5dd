/*
 * BLAKE2b (RFC 7693) with 32 bytes of output and no key: `node:crypto` has it with 64 bytes only, and the shorter one
 * is no prefix of it. Words of 64 bits are kept as two of 32, low half first, as JavaScript multiplies no others fast.
 */

const rounds = 12;
const blockSize = 128;
const outputSize = 32;

/** The first 64 bits of the fractions of the square roots of the first eight primes (as SHA-512), halves low first. */
const initial = Uint32Array.of(
  0xf3bcc908,
  0x6a09e667,
  0x84caa73b,
  0xbb67ae85,
  0xfe94f82b,
  0x3c6ef372,
  0x5f1d36f1,
  0xa54ff53a,
  0xade682d1,
  0x510e527f,
  0x2b3e6c1f,
  0x9b05688c,
  0xfb41bd6b,
  0x1f83d9ab,
  0x137e2179,
  0x5be0cd19,
);

/** RFC 7693 §2.7: in which order each round takes the words of the message; rounds 10 and 11 repeat 0 and 1. */
const order = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

const state = new Uint32Array(16);
const work = new Uint32Array(32);
const words = new Uint32Array(32);

/** work[a] += work[b] + words[m], as 64-bit words. */
function add(a: number, b: number, m: number): void {
  const low = work[a]! + work[b]! + (m < 0 ? 0 : words[m]!);
  const high = work[a + 1]! + work[b + 1]! + (m < 0 ? 0 : words[m + 1]!);
  work[a] = low;
  work[a + 1] = high + Math.floor(low / 0x1_0000_0000);
}

/** work[d] = (work[d] ^ work[a]) rotated right by `bits`, as 64-bit words. */
function mix(d: number, a: number, bits: 32 | 24 | 16 | 63): void {
  const low = work[d]! ^ work[a]!;
  const high = work[d + 1]! ^ work[a + 1]!;
  if (bits === 32) {
    work[d] = high;
    work[d + 1] = low;
  } else if (bits === 63) {
    work[d] = (low << 1) | (high >>> 31);
    work[d + 1] = (high << 1) | (low >>> 31);
  } else {
    work[d] = (low >>> bits) | (high << (32 - bits));
    work[d + 1] = (high >>> bits) | (low << (32 - bits));
  }
}

function quarter(a: number, b: number, c: number, d: number, x: number, y: number): void {
  add(2 * a, 2 * b, 2 * x);
  mix(2 * d, 2 * a, 32);
  add(2 * c, 2 * d, -1);
  mix(2 * b, 2 * c, 24);
  add(2 * a, 2 * b, 2 * y);
  mix(2 * d, 2 * a, 16);
  add(2 * c, 2 * d, -1);
  mix(2 * b, 2 * c, 63);
}

function compress(block: Uint8Array, counted: number, last: boolean): void {
  const view = new DataView(block.buffer, block.byteOffset, blockSize);
  for (let index = 0; index < 32; index++) words[index] = view.getUint32(4 * index, true);
  work.set(state);
  work.set(initial, 16);
  work[24] = work[24]! ^ counted;
  work[25] = work[25]! ^ Math.floor(counted / 0x1_0000_0000);
  if (last) {
    work[28] = ~work[28]!;
    work[29] = ~work[29]!;
  }
  for (let round = 0; round < rounds; round++) {
    const s = order[round % 10]!;
    quarter(0, 4, 8, 12, s[0]!, s[1]!);
    quarter(1, 5, 9, 13, s[2]!, s[3]!);
    quarter(2, 6, 10, 14, s[4]!, s[5]!);
    quarter(3, 7, 11, 15, s[6]!, s[7]!);
    quarter(0, 5, 10, 15, s[8]!, s[9]!);
    quarter(1, 6, 11, 12, s[10]!, s[11]!);
    quarter(2, 7, 8, 13, s[12]!, s[13]!);
    quarter(3, 4, 9, 14, s[14]!, s[15]!);
  }
  for (let index = 0; index < 16; index++) state[index]! ^= work[index]! ^ work[index + 16]!;
}

/** BLAKE2b of `bytes`, 32 bytes long, without a key. */
export function blake2b256(bytes: Uint8Array): Uint8Array {
  state.set(initial);
  // Parameter block (RFC 7693 §2.5): output length, no key, fanout 1, depth 1.
  state[0] = state[0]! ^ 0x0101_0000 ^ outputSize;
  let at = 0;
  for (; bytes.length - at > blockSize; at += blockSize) {
    compress(bytes.subarray(at, at + blockSize), at + blockSize, false);
  }
  const tail = new Uint8Array(blockSize);
  tail.set(bytes.subarray(at));
  compress(tail, bytes.length, true);
  const output = Buffer.alloc(outputSize);
  for (let index = 0; index < outputSize / 4; index++) output.writeUInt32LE(state[index]!, 4 * index);
  return output;
}
