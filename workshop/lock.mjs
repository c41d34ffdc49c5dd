// One process at a time: two commands started together share one install and one build.
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkout, say } from './checkout.mjs';

const folder = join(checkout, '.workshop');
const file = join(folder, 'lock');

/** Runs `work` while no other process of this checkout runs such work; a holder that died holds nothing. */
export async function alone(work) {
  mkdirSync(folder, { recursive: true });
  for (let told = false; !take(); told = true) {
    if (!told) say('Waiting for another command that is preparing this checkout…');
    await sleep(200);
  }
  const letGo = () => rmSync(file, { force: true });
  process.once('exit', letGo);
  try {
    return await work();
  } finally {
    process.off('exit', letGo);
    letGo();
  }
}

function take() {
  // The file appears with its content: a holder that dies at any instant leaves its number, never an empty file.
  const own = `${file}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(own, { force: true });
  }
  const holder = readHolder();
  if (holder !== undefined && !isAlive(holder)) rmSync(file, { force: true });
  return false;
}

function readHolder() {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
