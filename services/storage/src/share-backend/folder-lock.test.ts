import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderInUseError, lockFolder } from './folder-lock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the lock of a share folder', () => {
  it('keeps the folder to whoever has it, and leaves nothing when given up', () => {
    const unlock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(FolderInUseError);
    unlock();
    lockFolder(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a process that has ended is taken over', async () => {
    const ended = spawn(process.execPath, ['-e', '']);
    await once(ended, 'exit');
    writeFileSync(join(folder, 'holdfast-lock'), JSON.stringify({ pid: ended.pid, started: '' }));
    lockFolder(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a process whose number another one has now is taken over', () => {
    lockFolder(folder);
    const lock = join(folder, 'holdfast-lock');
    const { pid, started } = JSON.parse(readFileSync(lock, 'utf8'));
    // Without /proc there is only the number to go by.
    if (started === '') return expect(() => lockFolder(folder)).toThrow(FolderInUseError);
    writeFileSync(lock, JSON.stringify({ pid, started: `${started}0` }));
    lockFolder(folder)();
  });

  it('that cannot be read is taken over', () => {
    writeFileSync(join(folder, 'holdfast-lock'), '');
    lockFolder(folder)();
  });
});
