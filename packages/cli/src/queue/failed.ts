import { base32Encode } from '@holdfast/lafs';
import { type JobState, type ListedJob, listJobs } from '@holdfast/repairer';
import { withRepairerNode } from '../nodes/repairer-node.js';
import { printable } from '../printable.js';

const pageSize = 500;

/** Writes the jobs that have failed, or that wait for servers, with their reasons; as JSON with their history. */
export async function showFailed(options: { dir: string; waiting?: true; json?: true }): Promise<void> {
  const { dir, waiting, json } = options;
  const state: JobState = waiting ? 'waiting' : 'failed';
  await withRepairerNode(dir, async ({ database, grid }) => {
    let after: Uint8Array | undefined;
    let shown = 0;
    do {
      const page = await listJobs(database, grid, state, { limit: pageSize, after });
      for (const job of page)
        process.stdout.write(json ? `${JSON.stringify(asJson(job))}\n` : formatJob(job));
      shown += page.length;
      after = page.length < pageSize ? undefined : page.at(-1)?.storageIndex;
    } while (after);
    if (shown === 0 && !json)
      process.stdout.write(`No job ${waiting ? 'waits for servers' : 'has failed'}.\n`);
  });
}

function asJson({ storageIndex, ...job }: ListedJob): object {
  return { storageIndex: base32Encode(storageIndex), ...job };
}

function formatJob({ storageIndex, attempts, source, lastError, endedAt }: ListedJob): string {
  const when = endedAt?.toISOString().replace(/\.\d+Z$/, 'Z') ?? '';
  const tries = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return `${base32Encode(storageIndex)}  ${when}  ${tries}, asked for by ${source}: ${printable(lastError ?? '')}\n`;
}
