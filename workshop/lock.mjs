// One process at a time: two commands started together share one install and one build.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkout, say } from './checkout.mjs';
import { startOf } from './process-start.mjs';

const folder = join(checkout, '.workshop');
const file = join(folder, 'lock');
const deadly = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const ownStart = startOf(process.pid);

/** Whether this process is the one that the lock's file names, and not one that had its number before. */
let held = false;

/** Runs `work` while no other process of this checkout runs such work; a holder that died holds nothing. */
export async function alone(work) {
  mkdirSync(folder, { recursive: true });
  for (let told = false; !take(); told = true) {
    if (!told) say('Waiting for another command that is preparing this checkout…');
    await sleep(200);
  }
  const letGo = () => {
    held = false;
    rmSync(file, { force: true });
  };
  // Nothing runs at the end of a process that a signal ends by itself. Once it is let go the signal does what it would have.
  const letGoAndEnd = (signal) => {
    stopWatching();
    letGo();
    process.kill(process.pid, signal);
  };
  const stopWatching = () => {
    process.off('exit', letGo);
    for (const signal of deadly) process.off(signal, letGoAndEnd);
  };
  held = true;
  process.once('exit', letGo);
  for (const signal of deadly) process.on(signal, letGoAndEnd);
  try {
    return await work();
  } finally {
    stopWatching();
    letGo();
  }
}

function take() {
  // The file appears with its content: a holder that dies at any instant leaves its number, never an empty file.
  const own = `${file}.${process.pid}`;
  writeFileSync(own, `${process.pid}\n${ownStart}\n`);
  try {
    return linkNew(own, file) || takeOver(own);
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Takes the place of a holder that died. Of those that find it dead one at a time looks again and replaces it in one
 * step: whoever comes later finds the new holder alive.
 */
function takeOver(own) {
  if (!isDead(readHolder(file))) return false;
  const turn = `${file}.turn`;
  if (!linkNew(own, turn)) {
    // Whoever had the turn died within these few steps.
    if (isDead(readHolder(turn))) rmSync(turn, { force: true });
    return false;
  }
  try {
    if (!isDead(readHolder(file))) return false;
    renameSync(own, file);
    return true;
  } finally {
    rmSync(turn, { force: true });
  }
}

/** A hard link appears whole, and only where nothing is. */
function linkNew(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

function isDead(holder) {
  return holder !== undefined && !isAlive(holder);
}

function readHolder(of) {
  try {
    const [pid, started = ''] = readFileSync(of, 'utf8').split('\n');
    return Number(pid) > 0 ? { pid: Number(pid), started } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it is still the process that wrote its number down: in containers of one checkout the same ones come again. */
function isAlive({ pid, started }) {
  if (pid === process.pid) return held;
  const now = startOf(pid);
  if (started !== '' && now !== '') return now === started;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
