import { readFileSync, watchFile } from 'node:fs';
import { Server } from 'node:https';
import { isMainThread } from 'node:worker_threads';

/**
 * Loaded before the program of each node of a lab (`--import`): a storage server, the only one that serves HTTPS, takes up
 * what it is asked as many milliseconds late as `Latency` has written down. A proxy on the way took a sixteenth of the
 * two cores that are shared with what is measured.
 */
const file = process.env['HOLDFAST_BENCH_LATENCY'];
let late = 0;
if (file !== undefined && isMainThread) {
  const read = () => {
    late = Number(readFileSync(file, 'utf8'));
  };
  read();
  watchFile(file, { interval: 100, persistent: false }, read);
  const emit = Server.prototype.emit;
  Server.prototype.emit = function (this: Server, event: string, ...told: unknown[]): boolean {
    const go = () => emit.apply(this, [event, ...told] as Parameters<typeof emit>);
    if (event !== 'request' || late === 0) return go();
    setTimeout(go, late);
    return true;
  } as typeof emit;
}
