import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** A file of our pages, held in memory. */
export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
  readonly tag: string;
}

/** The files of our pages by name. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Reads the built page (`build-page.mjs`).
 *
 * @throws Error that says what to do where it was not built
 */
export async function readPageFiles(folder: string): Promise<PageFiles> {
  const files = new Map<string, PageFile>();
  const names = await readdir(folder).catch(() => [] as string[]);
  for (const name of names) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const content = await readFile(join(folder, name));
    const tag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
    files.set(name, { type, content, tag });
  }
  for (const name of ['main.js', 'repairs-main.js', 'main.css', 'favicon.svg']) {
    if (!files.has(name)) throw new Error('the pages are not built; run `npm run build`');
  }
  return files;
}
