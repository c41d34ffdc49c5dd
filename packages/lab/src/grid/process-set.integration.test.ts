import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../files/temporary-folder.js';
import { startGuarded } from '../processes/guarded-process.js';
import { ProcessSet } from './process-set.js';

it('notes its processes again once the folder can be written to, after that has failed', async () => {
  await using folder = await temporaryFolder('processes');
  const dir = join(folder.path, 'lab');
  const set = new ProcessSet(dir, () => {});
  const start = (nickname: string) =>
    set.start(nickname, nickname, async () => ({
      process: await startGuarded({
        name: nickname,
        command: '/bin/sleep',
        args: ['600'],
        log: join(folder.path, 'log'),
        stopSignal: 'SIGTERM',
      }),
    }));
  try {
    await expect(start('s1')).rejects.toMatchObject({ code: 'ENOENT' });
    await mkdir(dir);
    await start('s2');
    const noted = JSON.parse(await readFile(join(dir, 'processes.json'), 'utf8')) as { pid: number }[];
    expect(noted.map(({ pid }) => pid)).toEqual([set.pid('s1'), set.pid('s2')]);
  } finally {
    for (const nickname of ['s1', 's2']) await set.end(nickname, 'kill');
  }
});
