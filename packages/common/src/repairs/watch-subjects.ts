import * as z from 'zod';
import type { Question, Subject } from '../bus/index.js';
import { alarm, type RepairAlarm, repairAlarm } from './alarm.js';
import { askedFiles, refusedFiles } from './asked-files.js';

const count = z.int().min(0);
const account = z
  .string()
  .regex(/^[\w.-]{0,64}$/, 'expected up to 64 of letters, digits and _.-')
  .default('');

/** Files to keep under watch, for an account's manifest or, with '', for nobody in particular. */
const addWatched = z.strictObject({
  files: askedFiles,
  account,
});

export type AddWatched = z.input<typeof addWatched>;

/** What became of the files of an `AddWatched`. */
const addWatchedAnswer = z.object({
  added: count,
  /** Under watch for this account already. */
  known: count,
  refused: refusedFiles,
});

export type AddWatchedAnswer = z.infer<typeof addWatchedAnswer>;

/** How the watch is doing. */
export const watchStatus = z.object({
  /** Files under watch by how many of their shares can still be lost; null: never checked, or no share was ever found. */
  files: z.array(z.object({ spare: z.int().nullable(), files: count })),
  servers: z.object({ active: count, leaving: count, suspected: count, gone: count }),
  /** Null where all is well. */
  alarm: alarm.nullable(),
  /** The nickname of the repairer that schedules; null where none ever did. */
  scheduler: z.string().nullable(),
});

export type WatchStatus = z.infer<typeof watchStatus>;

/** What is said about files under watch on the bus of one grid. */
export interface WatchSubjects {
  /** Anyone who may to a repairer: keep these files under watch. */
  readonly add: Question<AddWatched, AddWatchedAnswer>;
  /** Anyone who may to a repairer: how is the watch doing? */
  readonly status: Question<Record<string, never>, WatchStatus>;
  /** The repairer that schedules to all who may listen. */
  readonly alarm: Subject<RepairAlarm>;
}

export function watchSubjects(grid: string): WatchSubjects {
  const name = (last: string) => `holdfast.${grid}.repair.${last}`;
  return {
    add: { name: name('watch.add'), schema: addWatched, answer: addWatchedAnswer },
    status: { name: name('watch.status'), schema: z.strictObject({}), answer: watchStatus },
    alarm: { name: name('alarm'), schema: repairAlarm },
  };
}
