import type { Bus } from '@holdfast/common/bus';
import type { JobStandings, RepairSubjects } from '@holdfast/common/repairs';
import { base32Encode } from '@holdfast/lafs';
import type { DrainProgress, DrainRecords, HeldFile } from './drain-records.js';

/** Files that are looked at, and asked for, together. */
const together = 1_000;

/** Milliseconds after which a file that could not be repaired is asked for once more. */
const onceMoreAfter = 60 * 60_000;

/** What looking over a leaving server's files needs. */
export interface LookOptions {
  readonly records: Pick<DrainRecords, 'filesAfter' | 'mutableShares'>;
  readonly repairers: Repairers;
  /** From when on every repairer counts the server's shares as gone: what was found healthy before says nothing. */
  readonly since: Date;
  /** Asked before each page. */
  readonly goesOn: () => boolean;
}

/** Who is asked to repair. */
export interface Repairers {
  standings(storageIndexes: readonly string[]): Promise<JobStandings>;
  add(storageIndexes: readonly string[]): Promise<void>;
}

type Standing = 'safe' | 'failed' | 'waiting' | 'under-way' | 'to-be-added';

/**
 * Looks once over all files of a leaving server, and asks repairers for those that nobody has made safe since it is
 * leaving.
 *
 * @returns undefined where it did not go on to the end
 * @throws BusUnavailableError, MalformedMessageError, or Postgres' own error
 */
export async function lookOverFiles(options: LookOptions): Promise<DrainProgress | undefined> {
  const { records, repairers, since, goesOn } = options;
  const count = { files: 0, shares: 0, safeFiles: 0, safeShares: 0, failedFiles: 0, waitingFiles: 0 };
  let last: HeldFile | undefined;
  for (;;) {
    if (!goesOn()) return undefined;
    const page = await records.filesAfter(last?.storageIndex, together);
    if (page.length === 0) break;
    const names = page.map(({ storageIndex }) => base32Encode(storageIndex));
    const { jobs } = await repairers.standings(names);
    const standings = page.map((_, index) => standingOf(jobs[index] ?? null, since));
    const toAdd = names.filter((_, index) => standings[index] === 'to-be-added');
    if (toAdd.length > 0) await repairers.add(toAdd);
    for (const [index, { shares }] of page.entries()) {
      const standing = standings[index];
      count.files += 1;
      count.shares += shares;
      if (standing === 'safe') {
        count.safeFiles += 1;
        count.safeShares += shares;
      } else if (standing === 'failed') count.failedFiles += 1;
      else if (standing === 'waiting') count.waitingFiles += 1;
    }
    last = page.at(-1);
  }
  return { ...count, mutableShares: await records.mutableShares() };
}

function standingOf(job: JobStandings['jobs'][number], since: Date): Standing {
  if (!job) return 'to-be-added';
  const ended = job.endedAt === null ? 0 : Date.parse(job.endedAt);
  // One that began before may have counted this server's shares, however long it took.
  const current = job.begunAt !== null && Date.parse(job.begunAt) >= since.getTime();
  switch (job.state) {
    case 'done':
      return current && (job.result === 'healthy' || job.result === 'repaired') ? 'safe' : 'to-be-added';
    case 'failed':
      return current && ended > Date.now() - onceMoreAfter ? 'failed' : 'to-be-added';
    case 'waiting':
      return 'waiting';
    default:
      // Queued or claimed, or what only a newer repairer knows: what it has in its queue is looked at again later.
      return 'under-way';
  }
}

/**
 * The repairers that listen on a bus.
 *
 * @param source who asks, as people will see it
 */
export function repairersOn(
  bus: Pick<Bus, 'ask'>,
  { standings, add }: Pick<RepairSubjects, 'standings' | 'add'>,
  source: string,
): Repairers {
  return {
    standings: (storageIndexes) => bus.ask(standings, { storageIndexes: [...storageIndexes] }),
    add: async (storageIndexes) => {
      await bus.ask(add, { files: [...storageIndexes], source });
    },
  };
}
