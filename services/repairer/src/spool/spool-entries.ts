import { createReadStream } from 'node:fs';

/** One line of a spool file that names a file. */
export interface SpoolEntry {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** Most characters of an entry; of a longer one so many are kept, which then is none. */
const longestEntry = 1_000;

/**
 * Reads a spool file: one capability or storage index a line. From `#` to the end of a line is a comment.
 *
 * @returns its entries, at most `batch` at a time
 * @throws the system's error where it cannot be read
 */
export async function* spoolEntries(path: string, batch: number): AsyncGenerator<SpoolEntry[]> {
  const source = createReadStream(path, { encoding: 'utf8' });
  let entries: SpoolEntry[] = [];
  let line = 0;
  try {
    for await (const text of boundedLines(source)) {
      line++;
      const entry = text.replace(/#.*$/s, '').trim();
      if (entry === '') continue;
      entries.push({ line, text: entry });
      if (entries.length < batch) continue;
      yield entries;
      entries = [];
    }
    if (entries.length > 0) yield entries;
  } finally {
    source.destroy();
  }
}

/** Lines of a text, of which no more is kept than an entry may have: a file without line ends must not fill the memory. */
async function* boundedLines(source: AsyncIterable<string>): AsyncGenerator<string> {
  let kept = '';
  for await (const piece of source) {
    const parts = piece.split('\n');
    for (const [index, part] of parts.entries()) {
      if (index > 0) {
        yield kept;
        kept = '';
      }
      kept = (kept + part).slice(0, longestEntry + 1);
    }
  }
  yield kept;
}
