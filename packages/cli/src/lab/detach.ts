import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { holdfastProgram } from '@holdfast/lab';
import type { LabUpOptions, Report } from './up.js';

/** The lab that was to run in the background did not come up. */
export class DetachedLabError extends Error {
  override readonly name = 'DetachedLabError';
  readonly code = 'detached-lab';
}

/** Starts a lab in a process of its own that goes on when this one ends; resolves when the lab is up. */
export async function detachLab({ dir, storage, brokers, repairers, shares }: LabUpOptions): Promise<void> {
  await mkdir(dir, { recursive: true });
  const logFile = join(dir, 'lab.log');
  const log = openSync(logFile, 'a', 0o600);
  const args = [
    ...['lab', 'up', '--dir', dir],
    ...(storage === undefined ? [] : ['--storage', String(storage)]),
    ...(brokers === undefined ? [] : ['--brokers', String(brokers)]),
    ...(repairers === undefined ? [] : ['--repairers', String(repairers)]),
    ...(shares === undefined ? [] : ['--shares', `${shares.required},${shares.happy},${shares.total}`]),
  ];
  const child = spawn(process.execPath, [holdfastProgram, ...args], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  // Until it is up, it is as if it ran here: Ctrl-C ends it.
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, passOn);
  const text = await new Promise<string>((resolve, reject) => {
    child.on('message', (report: Report) => {
      if ('said' in report) process.stdout.write(`${report.said}\n`);
      else if ('up' in report) resolve(report.up);
      else reject(new DetachedLabError(report.failed));
    });
    child.once('error', reject);
    child.once('exit', () => reject(new DetachedLabError(`the lab ended before it was up; see ${logFile}`)));
  });
  child.unref();
  if (child.connected) child.disconnect();
  process.stdout.write(`\n${text}It runs in the background, as process ${child.pid}.\n`);
}
