import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { holdfastProgram } from '@holdfast/lab';

/** Runs `holdfast` to its end, as an operator would. */
export async function holdfast(
  ...args: readonly string[]
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [holdfastProgram, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ]);
  return { status, stdout, stderr };
}
