import * as z from 'zod';
import type { Question, Subject } from '../bus/index.js';
import { alarm } from './alarm.js';
import { askedFiles, mostFilesAsked, refusedFiles } from './asked-files.js';

const count = z.int().min(0);

/** Files to check and, where they need it, to repair. */
export const addRepairs = z.strictObject({
  files: askedFiles,
  /** Who asks, as people will see it. */
  source: z
    .string()
    .regex(/^[\w .:-]{1,100}$/, 'expected 1 to 100 of letters, digits, space and _.:-')
    .default('bus'),
  /** Whether every byte of the shares is to be read. */
  verify: z.boolean().default(false),
  /** Whether storage servers that are away and expected back are not waited for. */
  now: z.boolean().default(false),
  /** Whether the files are put under watch, too. */
  watch: z.boolean().default(false),
});

export type AddRepairs = z.input<typeof addRepairs>;

/*
 * A question must be understood whole, or somebody would believe to be asked less than he was. Answers and events may have
 * more in them than is read here, and results, states and reasons that are not known here: they may come from a newer release.
 */

/** What became of the files of an `AddRepairs`. */
export const addRepairsAnswer = z.object({
  added: count,
  /** In the queue already. */
  known: count,
  refused: refusedFiles,
});

export type AddRepairsAnswer = z.infer<typeof addRepairsAnswer>;

/** `healthy`, `repaired`, `not-worthwhile`, `postponed`, `unrecoverable`, `failed` or `lost`. */
const result = z.string();

/** `queued`, `claimed`, `waiting`, `done` or `failed`. */
const state = z.string();

const outcome = z.object({
  authenticated: z.boolean(),
  needed: z.int().nullable(),
  expected: z.int().nullable(),
  goodSharesBefore: count,
  goodSharesAfter: count,
  corruptShares: count,
  sharesPlaced: count,
  bytesRead: count,
  bytesWritten: count,
});

const attempt = {
  result,
  /** In one line. */
  error: z.string().nullable(),
  /** Undefined where not even the check came to its end. */
  outcome: outcome.nullable(),
  /** The repairer's nickname. */
  worker: z.string(),
  endedAt: z.iso.datetime(),
  milliseconds: z.number().min(0),
};

/** How the queue of a grid is doing. */
export const repairStatus = z.object({
  jobs: z.object({ queued: count, claimed: count, waiting: count, done: count, failed: count }),
  /** Of those that are queued, how many are in a pause after a failure. */
  delayed: count,
  /** Of those that are queued, how many are put off until servers that are away are back, or given up. */
  postponed: count.default(0),
  /** Files in the queue by how many of their shares can still be lost, as found by the last check; fewest first. */
  spareShares: z.array(z.object({ spare: z.int(), files: count })),
  /** Attempts by their results, in the last minute. */
  lastMinute: z.record(result, count),
  /** The last attempts, the newest first. */
  recent: z.array(z.object({ /** Its first letters. */ storageIndex: z.string(), ...attempt })),
  /** Null where all is well. */
  alarm: alarm.nullable(),
  /** Files under watch by how many of their shares can still be lost; null: not known yet. */
  watched: z.array(z.object({ spare: z.int().nullable(), files: count })).default([]),
  /** Why the repairer that answers begins no job now, and until when where that is known; null where it does. */
  paused: z
    .object({ repairer: z.string(), reason: z.string(), until: z.iso.datetime().nullable() })
    .nullable()
    .default(null),
});

export type RepairStatus = z.infer<typeof repairStatus>;

/** How an attempt at a job ended. */
export const repairOutcome = z.object({
  /** In base32. */
  storageIndex: z.string(),
  source: z.string(),
  generation: count,
  attempt: count,
  /** What the job is now: as in the standings, but never `claimed`. */
  state,
  ...attempt,
});

export type RepairOutcome = z.infer<typeof repairOutcome>;

/** In base32. */
const storageIndexes = z
  .array(z.string().regex(/^[a-z2-7]{26}$/, 'expected a storage index'))
  .max(mostFilesAsked);

/** Files to take from the queue. */
const removeRepairs = z.strictObject({
  files: askedFiles,
});

export type RemoveRepairs = z.infer<typeof removeRepairs>;

/** What became of the files of a `RemoveRepairs`. */
const removeRepairsAnswer = z.object({
  removed: count,
  /** Not in the queue. */
  absent: count,
  refused: refusedFiles,
});

export type RemoveRepairsAnswer = z.infer<typeof removeRepairsAnswer>;

const retryRepairs = z.strictObject({
  /** All jobs that have failed where not given. */
  storageIndexes: storageIndexes.optional(),
});

export type RetryRepairs = z.infer<typeof retryRepairs>;

const jobStandings = z.object({
  /** In the order of the question; null where a file has no job. */
  jobs: z.array(
    z
      .object({
        state,
        /** How its last attempt ended, and when. */
        result: result.nullable(),
        endedAt: z.iso.datetime().nullable(),
        /** When its last attempt began: what was looked at, was looked at after this. */
        begunAt: z.iso.datetime().nullable(),
      })
      .nullable(),
  ),
});

/** Where the jobs of some files stand. */
export type JobStandings = z.infer<typeof jobStandings>;

/** What is said about repairs on the bus of one grid. */
export interface RepairSubjects {
  /** Anyone who may to a repairer: check these files, and repair them where they need it. */
  readonly add: Question<AddRepairs, AddRepairsAnswer>;
  /** The operator to a repairer: take these files from the queue. */
  readonly remove: Question<RemoveRepairs, RemoveRepairsAnswer>;
  /** Anyone who may to a repairer: how is the queue doing? */
  readonly status: Question<Record<string, never>, RepairStatus>;
  /** Anyone who may to a repairer: where do the jobs of these files stand? */
  readonly standings: Question<{ storageIndexes: string[] }, JobStandings>;
  /** The operator to a repairer: try again what has failed. */
  readonly retry: Question<RetryRepairs, { retried: number }>;
  /** Whoever added jobs to repairers: there is something to do. Handed out by JetStream. */
  readonly wake: Subject<Record<string, never>>;
  /** A repairer to all who may listen: an attempt has ended. */
  readonly outcome: Subject<RepairOutcome>;
}

const nothing = z.strictObject({});
const standingsAsked = z.strictObject({ storageIndexes });
const retryAnswer = z.object({ retried: count });

export function repairSubjects(grid: string): RepairSubjects {
  const name = (last: string) => `holdfast.${grid}.repair.${last}`;
  return {
    add: { name: name('add'), schema: addRepairs, answer: addRepairsAnswer },
    remove: { name: name('remove'), schema: removeRepairs, answer: removeRepairsAnswer },
    status: { name: name('status'), schema: nothing, answer: repairStatus },
    standings: {
      name: name('standings'),
      schema: standingsAsked,
      answer: jobStandings,
    },
    retry: { name: name('retry'), schema: retryRepairs, answer: retryAnswer },
    wake: { name: name('wake'), schema: nothing },
    outcome: { name: name('outcome'), schema: repairOutcome },
  };
}
