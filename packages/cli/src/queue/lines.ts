import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** A name of a file, and where it stands. */
export interface Line {
  /** Where it stands, from 1: in the file, or on the command line. */
  readonly number: number;
  readonly text: string;
}

/**
 * What names files: on the command line, in a file with one name a line and `#` comments, or both.
 *
 * @param file `-` for standard input
 * @throws the system's error where the file cannot be read
 */
export async function* lines(names: readonly string[], file: string | undefined): AsyncGenerator<Line> {
  let number = 0;
  for (const text of names) yield { number: ++number, text };
  if (file === undefined) return;
  number = 0;
  for await (const line of createInterface({
    input: openSource(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    number++;
    const text = line.replace(/#.*$/, '').trim();
    if (text !== '') yield { number, text };
  }
}

function openSource(file: string): Readable {
  return file === '-' ? process.stdin : createReadStream(file);
}
