// The warden: a small process that outlives the one it serves just long enough to end everything it had started.
// It reads lines from its standard input, `guard PID SIGNAL` and `release PID`. When the input closes, however the
// process at its other end went away, it sends each guarded process its signal, and SIGKILL to the process group of
// those that are still there some seconds later.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const graceMs = 5_000;
/** @type {Map<number, NodeJS.Signals>} */
const guarded = new Map();

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, pid, signal] = line.split(' ');
  if (verb === 'guard') guarded.set(Number(pid), /** @type {NodeJS.Signals} */ (signal));
  if (verb === 'release') guarded.delete(Number(pid));
}

for (const [pid, signal] of guarded) send(pid, signal);
for (const deadline = Date.now() + graceMs; Date.now() < deadline && anyAlive(); ) await sleep(50);
for (const pid of guarded.keys()) send(-pid, 'SIGKILL');

function anyAlive() {
  return [...guarded.keys()].some((pid) => send(-pid, 0));
}

/**
 * @param {number} target a process, or a process group where negative
 * @param {NodeJS.Signals | 0} signal
 * @returns {boolean} whether there was one to receive it
 */
function send(target, signal) {
  try {
    process.kill(target, signal);
    return true;
  } catch {
    return false;
  }
}
