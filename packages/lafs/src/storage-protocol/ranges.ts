import { MalformedHeaderError } from './errors.js';

/** Bytes of a share, from `begin` to before `end`. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/** As in a Content-Range header; `total` where the sender told one. */
export interface ContentRange extends ByteRange {
  readonly total?: number;
}

/** `bytes 0-15/*`, for 0 to before 16. The peer never tells the total, whatever its document shows. */
export function formatContentRange({ begin, end, total }: ContentRange): string {
  return `bytes ${begin}-${end - 1}/${total ?? '*'}`;
}

/**
 * Reads a Content-Range header of one non-empty range (RFC 9110 §14.4).
 *
 * @throws MalformedHeaderError
 */
export function parseContentRange(text: string | undefined): ContentRange {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\*|\d{1,16})$/.exec(text ?? '');
  if (match) {
    const begin = Number(match[1]);
    const end = Number(match[2]) + 1;
    const range = { begin, end, ...(match[3] === '*' ? {} : { total: Number(match[3]) }) };
    if (begin < end && Number.isSafeInteger(end) && end <= (range.total ?? end)) return range;
  }
  throw new MalformedHeaderError('Content-Range', 'bytes FIRST-LAST/* or bytes FIRST-LAST/TOTAL');
}

/** `bytes=0-15`, for 0 to before 16. */
export function formatRange({ begin, end }: ByteRange): string {
  return `bytes=${begin}-${end - 1}`;
}

/**
 * Reads a Range header. Only one range with both ends is taken, as by the peer: `5-`, `-5` and lists are refused.
 *
 * @throws MalformedHeaderError
 */
export function parseRange(text: string): ByteRange {
  const match = /^bytes=(\d{1,16})-(\d{1,16})$/.exec(text);
  if (match) {
    const begin = Number(match[1]);
    const end = Number(match[2]) + 1;
    if (begin < end && Number.isSafeInteger(end)) return { begin, end };
  }
  throw new MalformedHeaderError('Range', 'one range with both ends: bytes=FIRST-LAST');
}
