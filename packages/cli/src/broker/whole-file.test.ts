import { execFileSync } from 'node:child_process';
import { lstat, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '@holdfast/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeWholeFile } from './whole-file.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const path = (name: string) => join(folder.path, name);
const write = (to: string, text: string) =>
  writeWholeFile(
    to,
    (open) =>
      new Promise((resolve, reject) => {
        open().on('finish', resolve).on('error', reject).end(text);
      }),
  );

describe('a file that is written whole', () => {
  it('takes the place of one that is there', async () => {
    await writeFile(path('file'), 'before');
    await write(path('file'), 'after');
    expect(await readFile(path('file'), 'utf8')).toBe('after');
    expect(await readdir(folder.path)).toEqual(['file']);
  });

  it('is what a link leads to, which stays a link', async () => {
    await writeFile(path('file'), 'before');
    await symlink('file', path('link'));
    await write(path('link'), 'after');
    expect((await lstat(path('link'))).isSymbolicLink()).toBe(true);
    expect(await readFile(path('file'), 'utf8')).toBe('after');
    await symlink('not-there-yet', path('dangling'));
    await write(path('dangling'), 'new');
    expect((await lstat(path('dangling'))).isSymbolicLink()).toBe(true);
    expect(await readFile(path('not-there-yet'), 'utf8')).toBe('new');
  });

  it('is not, where a pipe or a device has its name: that is written to, and stays', async () => {
    execFileSync('mkfifo', [path('pipe')]);
    const read = readFile(path('pipe'), 'utf8');
    await write(path('pipe'), 'through it');
    expect(await read).toBe('through it');
    expect((await lstat(path('pipe'))).isFIFO()).toBe(true);
    await write('/dev/null', 'nowhere');
    expect((await lstat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it('leaves what is there where it fails', async () => {
    await writeFile(path('file'), 'before');
    const failing = writeWholeFile(path('file'), async (open) => {
      open().write('half');
      throw new Error('the broker went away');
    });
    await expect(failing).rejects.toThrow('the broker went away');
    expect(await readFile(path('file'), 'utf8')).toBe('before');
    expect(await readdir(folder.path)).toEqual(['file']);
  });
});
