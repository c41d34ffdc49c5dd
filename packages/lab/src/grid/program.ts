import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LabError } from './errors.js';

/** The `holdfast` command of this checkout. */
export const holdfastProgram = fileURLToPath(new URL('../../../../bin/holdfast', import.meta.url));

const commandRunner = fileURLToPath(new URL('./command-runner.mjs', import.meta.url));

/**
 * Runs commands of `holdfast` to their end, one after the other in one process: to start one for each took most of the
 * time that a lab's nodes take to be made.
 *
 * @throws LabError with the words of the first command that fails; those after it are not run
 */
export function runHoldfast(...commands: readonly (readonly string[])[]): Promise<void> {
  if (commands.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [commandRunner, JSON.stringify(commands)], (error, _stdout, stderr) => {
      if (error === null) resolve();
      else {
        const names = new Set(commands.map(([command, what]) => `holdfast ${command} ${what}`));
        reject(new LabError('init-failed', `${[...names].join(', ')}: ${stderr.trim() || error.message}`));
      }
    });
  });
}
