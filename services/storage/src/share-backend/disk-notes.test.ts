import { readdir } from 'node:fs/promises';
import { silentLogger } from '@holdfast/common/logging';
import { temporaryFolder } from '@holdfast/lab';
import { expect, it } from 'vitest';
import { DiskShareBackend } from './disk-share-backend.js';

it('writes notes of one name at the same time, each whole, and keeps the last', async () => {
  await using folder = await temporaryFolder('notes');
  const backend = new DiskShareBackend(folder.path, silentLogger());
  const notes = Array.from({ length: 20 }, (_, turn) => Buffer.alloc(50_000, turn));
  await Promise.all(notes.map((note) => backend.writeNote('note', note)));
  expect(notes[19]?.equals((await backend.readNote('note')) ?? Buffer.alloc(0))).toBe(true);
  expect(await readdir(folder.path)).toEqual(['note']);
  await backend.close();
});
