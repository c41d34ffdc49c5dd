import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../files/temporary-folder.js';
import { runHoldfast } from './program.js';

it('commands run one after the other, up to the first that fails, which is named with its own words', async () => {
  await using folder = await temporaryFolder('commands');
  const [first, other, never] = ['a', 'b "c"', 'd'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  const running = runHoldfast(
    ['init', 'introducer', first],
    ['init', 'storage', other],
    ['init', 'broker', first],
    ['init', 'storage', never],
  );
  await expect(running).rejects.toMatchObject({
    code: 'command-failed',
    index: 2,
    message: expect.stringMatching(/^holdfast init broker: holdfast: \S+\/a exists already;/),
  });
  expect((await readdir(folder.path)).sort()).toEqual(['a', 'b "c"']);
});

it('as many commands as the largest lab needs are run in a folder with a long name', async () => {
  await using folder = await temporaryFolder('commands');
  const long = join(folder.path, 'x'.repeat(200), 'y'.repeat(200), 'z'.repeat(200));
  const commands = Array.from({ length: 200 }, () => ['init', 'nothing', long, '--grid', long]);
  await expect(runHoldfast(...commands)).rejects.toMatchObject({ code: 'command-failed', index: 0 });
});
