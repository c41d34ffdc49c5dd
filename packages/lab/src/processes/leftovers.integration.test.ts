import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { endLeftover, isRunning } from './leftovers.js';

const started: ChildProcess[] = [];

/** Runs a command of the shell and gives what it says first. */
async function say(command: string, ...args: string[]): Promise<{ process: ChildProcess; said: string }> {
  const process = spawn('/bin/sh', ['-c', command, 'sh', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(process);
  const [said] = (await once(process.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { process, said: said.toString() };
}

afterEach(() => {
  vi.unstubAllEnvs();
  for (const process of started.splice(0)) process.kill('SIGKILL');
});

describe('a process of an earlier run', () => {
  it('is known by its command line', async () => {
    const { process } = await say('echo; read -r never', 'the-marker');
    expect(await isRunning(process.pid ?? 0, 'the-marker')).toBe(true);
    expect(await isRunning(process.pid ?? 0, 'another-marker')).toBe(false);
  });

  // Elsewhere `ps` shows the program's name in brackets then.
  it.skipIf(!existsSync('/proc/self/stat'))(
    'is known by it while it starts another program in its place, too',
    async () => {
      const again = 'exec /bin/sh -c "$0" "$0"';
      const { process } = await say('echo; exec /bin/sh -c "$1" "$1"', again);
      for (let look = 0; look < 500; look += 1) expect(await isRunning(process.pid ?? 0, again)).toBe(true);
    },
  );

  it('does not run any more once it has ended, even where nobody has waited for it', async () => {
    const { said } = await say('/bin/true & echo $!; exec /bin/sleep 600');
    await expect.poll(() => isRunning(Number(said), '')).toBe(false);
  });

  // Elsewhere there is nothing to ask but `ps`.
  it.skipIf(!existsSync('/proc/self/stat'))('is found and ended where there is no `ps`', async () => {
    const { process } = await say('echo; exec /bin/sleep 600');
    const ended = once(process, 'exit');
    vi.stubEnv('PATH', '/nowhere');
    expect(await isRunning(process.pid ?? 0, '/bin/sleep')).toBe(true);
    await endLeftover(process.pid ?? 0, '/bin/sleep');
    expect(await ended).toEqual([null, 'SIGTERM']);
  });
});
