const mark = '…';

/**
 * A text of at most `mostBytes` bytes of UTF-8: where it had more it ends in an ellipsis, and no character is cut in two.
 *
 * @param mostBytes at least 3, what the ellipsis takes
 */
export function shortenedText(text: string, mostBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= mostBytes) return bytes.toString();
  let end = mostBytes - Buffer.byteLength(mark);
  // Back to where a character begins.
  while (((bytes[end] as number) & 0b1100_0000) === 0b1000_0000) end--;
  return bytes.toString('utf8', 0, end) + mark;
}
