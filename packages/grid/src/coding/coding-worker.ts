import { parentPort } from 'node:worker_threads';
import { CodingJobs, type JobAnswer, type SentJob } from './coding-jobs.js';

const jobs = new CodingJobs();

parentPort?.on('message', ({ id, job }: SentJob) => {
  jobs.run(job).then(
    (hashes) => parentPort?.postMessage({ id, hashes } satisfies JobAnswer),
    (error: Error) => parentPort?.postMessage({ id, problem: error.message } satisfies JobAnswer),
  );
});
