import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@holdfast/lab';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestQueue, testQueue } from '../testing/test-queue.js';
import { SchedulerLock } from './scheduler-lock.js';

const grid = 'test';
let queue: TestQueue;
let holder: ChildProcess | undefined;

beforeAll(async () => {
  queue = await testQueue();
});
afterAll(() => queue[Symbol.asyncDispose]());
afterEach(endHolder);

async function endHolder(): Promise<void> {
  if (!holder || holder.exitCode !== null || holder.signalCode !== null) return;
  const ended = once(holder, 'exit');
  holder.kill('SIGKILL');
  await ended;
}

const take = (ofGrid = grid) => SchedulerLock.take(queue.database, ofGrid);
const takeOver = () => waitFor('the lock is free', take, { timeoutMs: 30_000 });

/** Milliseconds until the lock of a holder to whom this was done is had by another. */
async function timeToTakeOver(signal: NodeJS.Signals): Promise<number> {
  try {
    (await holdElsewhere()).kill(signal);
    const since = performance.now();
    (await takeOver()).release();
    return performance.now() - since;
  } finally {
    await endHolder();
  }
}

async function expectTimely(signal: NodeJS.Signals): Promise<void> {
  let taken = Number.POSITIVE_INFINITY;
  // Once is enough: at another time the machine may have stood still.
  for (let turn = 0; taken >= 10_000 && turn < 3; turn++) taken = await timeToTakeOver(signal);
  expect(taken).toBeLessThan(10_000);
}

/** A process of its own that has the lock. It says so when it stood still for so long that it may lose it. */
async function holdElsewhere(): Promise<ChildProcess> {
  const dist = join(import.meta.dirname, '..', '..', 'dist', 'watch', 'scheduler-lock.js');
  const script = `
    import { openPool } from '@holdfast/common/database';
    import { silentLogger } from '@holdfast/common/logging';
    import { SchedulerLock } from ${JSON.stringify(dist)};
    const [url, grid] = process.argv.slice(1);
    const database = openPool({ url, applicationName: 'other', logger: silentLogger() });
    // The session of whoever had it before may take a moment to end.
    while (!(await SchedulerLock.take(database, grid))) await new Promise((r) => setTimeout(r, 50));
    let last = Date.now();
    setInterval(() => {
      if (Date.now() - last > 3_000) console.log('late');
      last = Date.now();
    }, 100).unref();
    console.log('held');`;
  holder = spawn(process.execPath, ['--input-type=module', '-e', script, queue.url, grid], {
    cwd: join(import.meta.dirname, '..', '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(holder.stdout as NodeJS.ReadableStream, 'data');
  expect(String(said)).toContain('held');
  return holder;
}

describe('the lock of the scheduler', () => {
  it('is had by one of a grid at a time, and given back', async () => {
    const held = await take();
    expect(held).toBeDefined();
    expect(await take()).toBeUndefined();
    const other = await take('other');
    expect(other).toBeDefined();
    other?.release();
    held?.release();
    (await takeOver()).release();
  });

  it('is lost with its connection, and its holder knows', async () => {
    const held = await takeOver();
    const { rows } = await held.client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await queue.sql('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await waitFor('the holder knows', async () => held.signal.aborted || undefined, { timeoutMs: 60_000 });
    (await takeOver()).release();
  });

  it('is kept by whoever is well, for longer than the others wait', async () => {
    const isKept = async () => {
      const holding = await holdElsewhere();
      let wasWell = true;
      holding.stdout?.on('data', () => {
        wasWell = false;
      });
      try {
        await delay(8_000);
        const taken = await take();
        if (!taken) return holding.exitCode === null ? 'kept' : 'ended';
        taken.release();
        // It may only now go on, and say that it stood still.
        await delay(1_000);
        return wasWell ? 'lost' : undefined;
      } finally {
        await endHolder();
      }
    };
    expect(await waitFor('the holder is well', isKept, { timeoutMs: 40_000 })).toBe('kept');
  });

  it('is taken over within ten seconds from a process that was killed', async () => {
    await expectTimely('SIGKILL');
  }, 150_000);

  it('is taken over within ten seconds from a process that is stopped, though its connection stands', async () => {
    await expectTimely('SIGSTOP');
  }, 150_000);
});
