import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LabError } from './errors.js';

/** The `holdfast` command of this checkout. */
export const holdfastProgram = fileURLToPath(new URL('../../../../bin/holdfast', import.meta.url));

/** Runs `holdfast` to its end, and gives what it said. Throws LabError with its own words if it fails. */
export function runHoldfast(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [holdfastProgram, ...args], (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else
        reject(
          new LabError('init-failed', `holdfast ${args[0]} ${args[1]}: ${stderr.trim() || error.message}`),
        );
    });
  });
}
