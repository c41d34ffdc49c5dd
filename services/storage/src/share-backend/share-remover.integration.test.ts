import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@holdfast/lab';
import { expect, it } from 'vitest';
import { ShareRemover } from './share-remover.js';

async function stored(root: string, folders: number, shares: number) {
  const places = Array.from({ length: folders * shares }, (_, n) => ({
    folder: join(root, `f${Math.floor(n / shares)}`),
    name: String(n % shares),
  }));
  for (const { folder, name } of places) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), 'share');
  }
  return places;
}

it('removes all that it is asked for, with folders of which several threads remove a part', async () => {
  await using root = await temporaryFolder('remover');
  const remover = new ShareRemover();
  // Three folders for two threads.
  const places = await stored(root.path, 3, 20);
  expect(await remover.remove(places)).toEqual(places.map(() => undefined));
  expect(await readdir(root.path)).toEqual([]);
  await remover.close();
});

it('says for each share in its order why it is still there', async () => {
  await using root = await temporaryFolder('remover');
  const remover = new ShareRemover();
  const places = await stored(root.path, 9, 1);
  await mkdir(join(root.path, 'f9', '0'), { recursive: true });
  places.splice(5, 0, { folder: join(root.path, 'f9'), name: '0' });
  const failures = await remover.remove(places);
  expect(failures.map((failure) => failure !== undefined)).toEqual(places.map((_, index) => index === 5));
  expect(await remover.remove([])).toEqual([]);
  await remover.close();
});

it('goes on after its threads have ended', async () => {
  await using root = await temporaryFolder('remover');
  const remover = new ShareRemover();
  expect(await remover.remove(await stored(root.path, 2, 1))).toEqual([undefined, undefined]);
  await remover.close();
  expect(await remover.remove(await stored(root.path, 2, 1))).toEqual([undefined, undefined]);
  expect(await readdir(root.path)).toEqual([]);
  await remover.close();
});
