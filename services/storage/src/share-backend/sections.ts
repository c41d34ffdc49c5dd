const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** The 1024 folders that shares are spread over: the first two characters of a storage index, in its order. */
export const sectionNames: readonly string[] = [...alphabet].flatMap((first) =>
  [...alphabet].map((second) => first + second),
);
