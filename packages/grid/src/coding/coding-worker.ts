import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort } from 'node:worker_threads';
import { CodingJobs, type JobAnswer, type JobResult, type SentJob } from './coding-jobs.js';

/*
 * What a cipher gives lies outside the heap, where V8 lets tens of MB of it gather before it looks what has died. A
 * look at the youngest objects, of which this thread has hardly any, finds it in a fraction of a millisecond: it took
 * 20 MB off the most that a broker needs.
 */
setFlagsFromString('--expose-gc');
const collectYoung = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;
const jobsBetween = 8;

const jobs = new CodingJobs();
let done = 0;

parentPort?.on('message', ({ id, job }: SentJob) => {
  jobs
    .run(job)
    .then(
      (result) => answer(id, result),
      (error: Error) => parentPort?.postMessage({ id, problem: error.message } satisfies JobAnswer),
    )
    .finally(() => {
      done++;
      if (done % jobsBetween === 0) collectYoung({ type: 'minor' });
    });
});

/** The memory of a decoded segment goes with it, uncopied, unless both threads see it anyway. */
function answer(id: number, decoded: JobResult): void {
  if (!decoded || !('pieces' in decoded)) {
    parentPort?.postMessage({ id, result: decoded } satisfies JobAnswer);
    return;
  }
  const { pieces, liesInBlocks } = decoded;
  const buffers = new Set(
    pieces.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer),
  );
  parentPort?.postMessage({ id, result: { pieces, liesInBlocks } } satisfies JobAnswer, [...buffers]);
}
