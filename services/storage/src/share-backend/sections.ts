const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** The 1024 folders that shares are spread over: the first two characters of a storage index, in its order. */
export const sectionNames: readonly string[] = [...alphabet].flatMap((first) =>
  [...alphabet].map((second) => first + second),
);

/** The first and the last storage index of a section: those of one have their first ten bits in common. */
export function sectionBounds(section: number): { readonly first: Uint8Array; readonly last: Uint8Array } {
  const bounds = { first: new Uint8Array(16), last: new Uint8Array(16).fill(0xff) };
  bounds.first.set([section >> 2, (section & 3) << 6]);
  bounds.last.set([section >> 2, ((section & 3) << 6) | 0x3f]);
  return bounds;
}
