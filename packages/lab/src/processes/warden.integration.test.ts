import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type TemporaryFolder, temporaryFolder } from '../files/temporary-folder.js';
import { isRunning } from './leftovers.js';

const built = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

/** A process that starts guarded processes, says their pids, and stays. */
async function startGuardian(
  folder: TemporaryFolder,
  commands: string[],
): Promise<{ guardian: ChildProcess; pids: number[] }> {
  const program = `
    import { startGuarded } from ${JSON.stringify(built)};
    const started = [];
    for (const command of ${JSON.stringify(commands)}) {
      started.push(await startGuarded({
        name: 'guarded', command: '/bin/sh', args: ['-c', command], stopSignal: 'SIGTERM',
        log: ${JSON.stringify(`${folder.path}/log`)},
      }));
    }
    process.stdout.write(started.map(({ pid }) => pid).join(' ') + '\\n');
    setInterval(() => {}, 1000);`;
  const guardian = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(guardian.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { guardian, pids: line.toString().trim().split(' ').map(Number) };
}

const gone = async (pid: number | undefined) => !(await isRunning(pid ?? 0, ''));

describe('processes under guard', () => {
  it('end when the process that started them is killed, and so do those that take no notice of a signal', async () => {
    await using folder = await temporaryFolder();
    const { guardian, pids } = await startGuardian(folder, [
      'exec sleep 600',
      'trap "" TERM; while :; do sleep 600; done',
    ]);
    expect(await Promise.all(pids.map((pid) => gone(pid)))).toEqual([false, false]);
    guardian.kill('SIGKILL');
    await expect.poll(() => gone(pids[0]), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => gone(pids[1]), { timeout: 20_000 }).toBe(true);
  });

  it('are guarded again when the warden itself is killed', async () => {
    await using folder = await temporaryFolder();
    const { guardian, pids } = await startGuardian(folder, ['exec sleep 600']);
    process.kill(await wardenOf(guardian), 'SIGKILL');
    await expect.poll(() => wardenOf(guardian).catch(() => 0), { timeout: 20_000 }).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    guardian.kill('SIGKILL');
    await expect.poll(() => gone(pids[0]), { timeout: 20_000 }).toBe(true);
  });
});

async function wardenOf(guardian: ChildProcess): Promise<number> {
  const ps = spawn('ps', ['-ww', '-A', '-o', 'pid=,ppid=,stat=,args=']);
  let text = '';
  for await (const chunk of ps.stdout) text += chunk;
  const line = text
    .split('\n')
    .map((one) => one.trim().split(/\s+/))
    .find(([, parent, state, ...args]) => {
      return (
        Number(parent) === guardian.pid && !state?.startsWith('Z') && args.join(' ').includes('warden-main')
      );
    });
  if (line === undefined) throw new Error('it has no warden');
  return Number(line[0]);
}
