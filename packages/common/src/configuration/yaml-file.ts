import { open } from 'node:fs/promises';
import { type Document, isMap, isNode, LineCounter, parseDocument, visit } from 'yaml';
import type * as z from 'zod';
import { ConfigurationError } from './errors.js';
import { isUnquoted } from './unquoted.js';

/** The largest file that is looked at, in bytes: room for thousands of servers, and read in about a second. */
const largestFile = 4 * 2 ** 20;

/**
 * Reads a YAML file and checks every field of it.
 *
 * @param path the file; it is named in errors as given here
 * @param schema what the file must hold; strict objects make unknown fields an error
 * @returns the checked value, with the schema's defaults and conversions applied
 * @throws ConfigurationError for a file that cannot be read, is not YAML, or does not fit
 */
export async function readYamlConfiguration<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  return parseYamlConfiguration(path, await readConfigurationText(path), schema);
}

/**
 * The text of a configuration file.
 *
 * @throws ConfigurationError for a file that cannot be read, or is too large to be meant
 */
export async function readConfigurationText(path: string): Promise<string> {
  const refuse = (reason: string) => new ConfigurationError(path, undefined, '', reason);
  let text: string;
  try {
    text = await readStart(path, largestFile + 1);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw refuse(missing ? 'there is no such file' : String(error));
  }
  if (Buffer.byteLength(text) > largestFile)
    throw refuse(`expected at most ${largestFile / 2 ** 20} MiB, found more`);
  return text;
}

/** The first `most` bytes of a file, as text: a file may be of any size, and still be growing. */
export async function readStart(path: string, most: number): Promise<string> {
  const file = await open(path);
  try {
    const pieces: Buffer[] = [];
    for (let left = most; left > 0; ) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(left, 65_536)));
      if (bytesRead === 0) break;
      pieces.push(buffer.subarray(0, bytesRead));
      left -= bytesRead;
    }
    return Buffer.concat(pieces).toString('utf8');
  } finally {
    await file.close();
  }
}

/** As `readYamlConfiguration`, for text at hand; `path` is only used in errors. */
export function parseYamlConfiguration<T>(path: string, text: string, schema: z.ZodType<T>): T {
  const lines = new LineCounter();
  const document = parse(path, text, lines);
  const broken = document.errors[0];
  if (broken) {
    const reason = broken.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'not YAML';
    throw new ConfigurationError(path, lines.linePos(broken.pos[0]).line, '', reason);
  }
  let value: unknown;
  try {
    // Aliases that multiply (a "YAML bomb") are refused by the library's default limit.
    value = document.toJS();
  } catch (error) {
    throw new ConfigurationError(path, lineOfFirstAlias(document, lines), '', (error as Error).message);
  }
  const result = schema.safeParse(value ?? {}, { reportInput: true });
  if (result.success) return result.data;
  throw explain(path, document, lines, result.error.issues);
}

function parse(path: string, text: string, lines: LineCounter): Document {
  try {
    return parseDocument(text, { lineCounter: lines });
  } catch (error) {
    // The library goes down one level of its stack for each level of the text.
    if (error instanceof RangeError) throw new ConfigurationError(path, undefined, '', 'nested too deeply');
    throw error;
  }
}

function lineOfFirstAlias(document: Document, lines: LineCounter): number | undefined {
  let line: number | undefined;
  visit(document, {
    Alias(_key, { range }) {
      line = range ? lines.linePos(range[0]).line : undefined;
      return visit.BREAK;
    },
  });
  return line;
}

function explain(
  path: string,
  document: Document,
  lines: LineCounter,
  issues: readonly z.core.$ZodIssue[],
): ConfigurationError {
  // A misspelt field is also a missing one: the misspelling is what the reader can see.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (!issue) return new ConfigurationError(path, undefined, '', 'not as expected');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const missing = issues.filter(
      (other) =>
        !isUnquoted(other) &&
        'input' in other &&
        other.input === undefined &&
        String(other.path.slice(0, -1)) === String(issue.path),
    );
    const meant = missing.map((other) => other.path.at(-1)).join(', ');
    return new ConfigurationError(
      path,
      lineOf(document, lines, [...issue.path, key]),
      [...issue.path, key].join('.'),
      meant === '' ? 'unknown field' : `unknown field; missing here: ${meant}`,
    );
  }
  const field = issue.path.join('.');
  const found = 'input' in issue && !isUnquoted(issue) ? describe(issue.input) : undefined;
  const expected = issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '');
  const message = found === undefined ? expected : `${expected}, found ${found}`;
  return new ConfigurationError(path, lineOf(document, lines, issue.path), field, message);
}

/** What stands in the wrong place may still be a secret: nothing is told of what is in a map, or looks like an address. */
function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  if (typeof value === 'string' && value.includes('@')) return 'a text with an @ in it';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The line of the field at `path`, or of its nearest parent that the file has. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
    const key = path[depth - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isNode(item.key) && String(item.key) === String(key));
      if (pair && isNode(pair.key) && pair.key.range) return lines.linePos(pair.key.range[0]).line;
    }
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}
