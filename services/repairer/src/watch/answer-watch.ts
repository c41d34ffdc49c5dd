import type { Bus, Stop } from '@holdfast/common/bus';
import type { Database } from '@holdfast/common/database';
import type { Logger } from '@holdfast/common/logging';
import { type WatchStatus, watchSubjects } from '@holdfast/common/repairs';
import { addWatched } from './add-watched.js';

/** What answering needs. */
export interface AnswerWatchOptions {
  readonly bus: Bus;
  readonly database: Database;
  readonly grid: string;
  readonly logger: Logger;
  readonly status: () => Promise<WatchStatus>;
}

/** One of many repairers answers each question. */
const queue = 'repairers';

/** Answers what is asked of the watch on the bus (docs/protocol.md, "Files under watch"). */
export function answerWatch({ bus, database, grid, logger, status }: AnswerWatchOptions): Stop {
  const subjects = watchSubjects(grid);
  const stops = [
    bus.serve(
      subjects.add,
      async ({ files, account = '' }) => {
        const answer = await addWatched(database, grid, account, files);
        const { added, known, refused } = answer;
        logger.info({ added, known, refused: refused.length }, 'files were put under watch');
        return answer;
      },
      queue,
    ),
    bus.serve(subjects.status, status, queue),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
