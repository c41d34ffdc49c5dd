const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** The 1024 folders that shares are spread over: the first two characters of a storage index, in its order. */
export const sectionNames: readonly string[] = [...alphabet].flatMap((first) =>
  [...alphabet].map((second) => first + second),
);

/** The lowest and the highest storage index whose base32 begins with these two characters: they give its first ten bits. */
export function sectionBounds(section: string): { first: Uint8Array; last: Uint8Array } {
  const bits = (alphabet.indexOf(section[0] ?? '') * 32 + alphabet.indexOf(section[1] ?? '')) << 6;
  const first = Buffer.alloc(16);
  first.writeUInt16BE(bits);
  const last = Buffer.alloc(16, 0xff);
  last.writeUInt16BE(bits | 0x3f);
  return { first, last };
}
