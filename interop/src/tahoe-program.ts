import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The release that we are compatible with. */
export const tahoeVersion = '1.20.0';

const checkout = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const installed = join(checkout, '.workshop', `tahoe-lafs-${tahoeVersion}`);

/**
 * The `tahoe` command of the release we are compatible with: `HOLDFAST_TAHOE` where it is set, else installed once
 * from PyPI into the checkout's `.workshop` folder.
 *
 * @throws an Error that says what is missing: Python, or PyPI
 */
export async function tahoeProgram(): Promise<string> {
  const given = process.env['HOLDFAST_TAHOE'];
  if (given) return given;
  const program = join(installed, 'bin', 'tahoe');
  if (existsSync(program)) return program;
  await mkdir(dirname(installed), { recursive: true });
  await rm(installed, { recursive: true, force: true });
  try {
    await run('python3', ['-m', 'venv', installed]);
    const python = join(installed, 'bin', 'python');
    await run(python, ['-m', 'pip', 'install', '--quiet', `tahoe-lafs==${tahoeVersion}`], {
      timeout: 600_000,
    });
  } catch (error) {
    // A half-made environment must not be taken for a whole one.
    await rename(installed, `${installed}.failed-${process.pid}`).catch(() => undefined);
    await rm(`${installed}.failed-${process.pid}`, { recursive: true, force: true });
    const { stderr = '', message } = error as Error & { stderr?: string };
    const reason = stderr.trim().split('\n').at(-1) || message;
    throw new Error(`Tahoe-LAFS ${tahoeVersion} cannot be installed from PyPI with python3: ${reason}`, {
      cause: error,
    });
  }
  return program;
}
