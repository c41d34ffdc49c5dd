import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkout } from './checkout.mjs';

// The lock belongs to the checkout that the workshop stands in: each test has one of its own.
let place;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'holdfast-workshop-'));
  mkdirSync(join(place, 'workshop'));
  for (const file of ['lock.mjs', 'process-start.mjs', 'checkout.mjs']) {
    cpSync(join(checkout, 'workshop', file), join(place, 'workshop', file));
  }
  writeFileSync(
    join(place, 'work.mjs'),
    `import { appendFileSync } from 'node:fs';
     import { alone } from './workshop/lock.mjs';
     await alone(async () => {
       appendFileSync('log', 'in ');
       await new Promise((resolve) => setTimeout(resolve, Number(process.argv[2])));
       appendFileSync('log', 'out ');
     });`,
  );
});

afterEach(() => rmSync(place, { recursive: true, force: true }));

const log = () => (existsSync(join(place, 'log')) ? readFileSync(join(place, 'log'), 'utf8') : '');

describe('work that one process at a time does in a checkout', () => {
  it('is done by one after the other', async () => {
    const workers = [1, 2, 3].map(() => spawn(process.execPath, ['work.mjs', '50'], { cwd: place }));
    await Promise.all(workers.map((worker) => once(worker, 'exit')));
    expect(log()).toBe('in out in out in out ');
  });

  it('is done by one after the other too where many find at once that its last holder died', async () => {
    const { pid: dead } = spawnSync(process.execPath, ['-e', '']);
    for (let round = 0; round < 3; round++) {
      mkdirSync(join(place, '.workshop'), { recursive: true });
      writeFileSync(join(place, '.workshop', 'lock'), String(dead));
      rmSync(join(place, 'log'), { force: true });
      const workers = Array.from({ length: 6 }, () =>
        spawn(process.execPath, ['work.mjs', '20'], { cwd: place }),
      );
      await Promise.all(workers.map((worker) => once(worker, 'exit')));
      expect(log()).toBe('in out '.repeat(6));
    }
  });

  it('goes on where another process has the number of a holder that died', () => {
    mkdirSync(join(place, '.workshop'));
    writeFileSync(join(place, '.workshop', 'lock'), `${process.pid}\nat another time\n`);
    const { status } = spawnSync(process.execPath, ['work.mjs', '0'], { cwd: place, timeout: 20_000 });
    expect({ status, log: log() }).toEqual({ status: 0, log: 'in out ' });
  });

  it('goes on where it has the number of a holder that died itself', () => {
    writeFileSync(
      join(place, 'same-number.mjs'),
      `import { mkdirSync, writeFileSync } from 'node:fs';
       mkdirSync('.workshop');
       writeFileSync('.workshop/lock', String(process.pid));
       await import('./work.mjs');`,
    );
    const { status } = spawnSync(process.execPath, ['same-number.mjs', '0'], { cwd: place, timeout: 20_000 });
    expect({ status, log: log() }).toEqual({ status: 0, log: 'in out ' });
  });

  it('waits for work of the same process', async () => {
    writeFileSync(
      join(place, 'twice.mjs'),
      `import { setTimeout as sleep } from 'node:timers/promises';
       import { alone } from './workshop/lock.mjs';
       let under = 0;
       let most = 0;
       const work = () => alone(async () => {
         most = Math.max(most, ++under);
         await sleep(50);
         under--;
       });
       await Promise.all([work(), work()]);
       process.exitCode = most;`,
    );
    expect(spawnSync(process.execPath, ['twice.mjs'], { cwd: place, timeout: 20_000 }).status).toBe(1);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('leaves no lock when %s ends it', async (signal) => {
    const ended = spawn(process.execPath, ['work.mjs', '60000'], { cwd: place });
    const exit = once(ended, 'exit');
    await expect.poll(() => log(), { timeout: 20_000 }).toBe('in ');
    ended.kill(signal);
    expect(await exit).toEqual([null, signal]);
    expect(readdirSync(join(place, '.workshop'))).toEqual([]);
  });

  it('goes on when a process died in the middle of it', async () => {
    const killed = spawn(process.execPath, ['work.mjs', '60000'], { cwd: place });
    const ended = once(killed, 'exit');
    await expect.poll(() => log(), { timeout: 20_000 }).toBe('in ');
    killed.kill('SIGKILL');
    await ended;
    expect(spawnSync(process.execPath, ['work.mjs', '0'], { cwd: place, timeout: 20_000 }).status).toBe(0);
    expect(log()).toBe('in in out ');
  });
});
