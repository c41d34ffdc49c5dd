import type { byteSize, duration } from '@holdfast/common/configuration';
import { InvalidArgumentError } from 'commander';
import { UsageError } from './exit-status.js';

/** `HOST:PORT`, left as it is. */
export function hostPortArgument(text: string): string {
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^:[\]\s/@]+):(\d{1,5})$/.exec(text)?.[1]);
  if (!(port >= 0 && port <= 65_535)) throw new InvalidArgumentError('Expected HOST:PORT.');
  return text;
}

/** A repeatable `HOST:PORT`. */
export function hostPortArguments(text: string, before: readonly string[] = []): string[] {
  return [...before, hostPortArgument(text)];
}

/** A count from 1 to `most`. */
export function countArgument(most: number): (text: string) => number {
  return (text) => {
    const count = /^\d+$/.test(text) ? Number(text) : 0;
    if (count < 1 || count > most) throw new InvalidArgumentError(`Expected a number from 1 to ${most}.`);
    return count;
  };
}

/** A count from 0 to `most`. */
export function countOrNoneArgument(most: number): (text: string) => number {
  return (text) => {
    const count = /^\d+$/.test(text) ? Number(text) : -1;
    if (count < 0 || count > most) throw new InvalidArgumentError(`Expected a number from 0 to ${most}.`);
    return count;
  };
}

/** `K,HAPPY,N`: shares needed, servers that must hold some, shares made. */
export function sharesArgument(text: string): { required: number; happy: number; total: number } {
  const [, required, happy, total] = (/^(\d+),(\d+),(\d+)$/.exec(text) ?? []).map(Number);
  if (required === undefined || happy === undefined || total === undefined) {
    throw new InvalidArgumentError('Expected K,HAPPY,N such as 3,7,10.');
  }
  if (required < 1 || total > 256 || required > total || happy < 1 || happy > total) {
    throw new InvalidArgumentError('Expected 1 ≤ K ≤ N ≤ 256 and 1 ≤ HAPPY ≤ N.');
  }
  return { required, happy, total };
}

/**
 * A URL of one of some protocols, such as `http:`. What was given is not told back, as it may have a password in it.
 *
 * @param name how the argument is given
 */
export function urlArgument(
  name: string,
  protocols: readonly string[],
  example: string,
): (text: string) => string {
  return (text) => {
    if (URL.canParse(text) && protocols.includes(new URL(text).protocol)) return text;
    throw new UsageError(`${name}: expected a URL such as ${example}`);
  };
}

/** A number of bytes with a unit, left as it is. */
export function byteSizeArgument(text: string): string {
  if (/^\d+(\.\d+)? ?([kKMGTP]?B|[KMGTP]iB)$/.test(text)) return text;
  throw new InvalidArgumentError('Expected a size such as 100GB.');
}

/** A quota: a number of bytes as for `byteSizeArgument`, or `none`. */
export function quotaArgument(text: string): string {
  return text === 'none' ? text : byteSizeArgument(text);
}

/** A length of time with a unit, left as it is. */
export function durationArgument(text: string): string {
  if (/^[1-9]\d*(\.\d+)? ?(s|m|h|d)$/.test(text)) return text;
  throw new InvalidArgumentError('Expected a duration such as 60d (s, m, h, d).');
}

/** A lease duration: a length of time as for `durationArgument`, or `none`. */
export function leaseDurationArgument(text: string): string {
  return text === 'none' ? text : durationArgument(text);
}

/**
 * What an argument says that has the right form.
 *
 * @returns bytes or milliseconds
 * @throws UsageError where the text says more than a value of its kind can be
 */
export function valueFrom(kind: typeof byteSize | typeof duration, text: string): number {
  const { data, error } = kind.safeParse(text);
  if (data === undefined) throw new UsageError(`${text}: ${error?.issues[0]?.message}`);
  return data;
}
