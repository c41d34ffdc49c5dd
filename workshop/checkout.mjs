// This checkout, and running programs in it.
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

export const checkout = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '');

/** Says in one line what the workshop is doing. On standard error: standard output belongs to the command itself. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Something that the person at the keyboard has to put right; shown without a stack trace. */
export class WorkshopError extends Error {}

/**
 * Runs a program in the checkout, its output going where ours goes.
 *
 * @returns {Promise<number>} its exit status; 128 and the signal's number if a signal ended it, as shells say it
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: checkout, stdio: 'inherit', ...options });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/** Runs a program whose output is only of interest when it fails. */
export async function runQuietly(command, args, options = {}) {
  let output = '';
  const status = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd: checkout, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-20_000);
      });
    }
    child.once('error', (error) => {
      output += String(error);
      resolve(127);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
  return { status, output };
}

/** Runs the `main` of a workshop script when the script itself was started, and not imported by another. */
export async function whenStarted(metaUrl, main) {
  if (process.argv[1] === undefined || fileURLToPath(metaUrl) !== realpathSync(process.argv[1])) return;
  try {
    process.exitCode = (await main(process.argv.slice(2))) ?? 0;
  } catch (error) {
    say(error instanceof WorkshopError ? error.message : String(error?.stack ?? error));
    process.exitCode = 1;
  }
}
