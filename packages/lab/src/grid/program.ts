import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LabError } from './errors.js';

/** The `holdfast` command of this checkout. */
export const holdfastProgram = fileURLToPath(new URL('../../../../bin/holdfast', import.meta.url));

const commandRunner = fileURLToPath(new URL('./command-runner.mjs', import.meta.url));

/** A command of `holdfast` failed; the message has its own words. */
export class CommandFailedError extends LabError {
  /** @param index of the command, among those that were to be run */
  constructor(
    readonly index: number,
    message: string,
  ) {
    super('command-failed', message);
  }
}

/**
 * Runs commands of `holdfast` to their end, one after the other in one process: to start one for each took most of the
 * time in which a lab's nodes are made.
 *
 * @throws CommandFailedError for the first that fails; those after it are not run
 */
export function runHoldfast(...commands: readonly (readonly string[])[]): Promise<void> {
  if (commands.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const runner = execFile(process.execPath, [commandRunner], (error, _stdout, stderr) => {
      if (error === null) return resolve();
      const words = stderr.split('\0');
      const index = Math.min(words.length, commands.length) - 1;
      const name = commands[index]?.slice(0, 2).join(' ');
      reject(new CommandFailedError(index, `holdfast ${name}: ${words[index]?.trim() || error.message}`));
    });
    // One that ends before it has read them says why.
    runner.stdin?.on('error', () => undefined);
    runner.stdin?.end(JSON.stringify(commands));
  });
}
