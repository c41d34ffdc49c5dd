import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { LabError } from '../grid/errors.js';
import { askSupervisor } from './control-client.js';

const noteSchema = z.strictObject({ pid: z.int(), url: z.string(), token: z.string() });

/** How to reach the process that runs a lab. Kept in the lab's folder, for its owner alone. */
export type SupervisorNote = z.infer<typeof noteSchema>;

const file = (dir: string) => join(dir, 'supervisor.json');

/** Who runs the lab in `dir`, if anybody noted that; it may be dead. */
export function readSupervisorNote(dir: string): Promise<SupervisorNote | undefined> {
  return readNote(file(dir));
}

async function readNote(path: string): Promise<SupervisorNote | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : noteSchema.parse(JSON.parse(text));
}

/**
 * Makes this process the one that runs the lab in `dir`. The control port must answer already.
 *
 * @param signal gives it up, also while another is waited for that takes long to answer
 * @throws LabError `running-already` where another process does, and is alive; the signal's reason
 */
export async function becomeSupervisor(
  dir: string,
  note: SupervisorNote,
  signal?: AbortSignal,
): Promise<void> {
  const unfinished = join(dir, `.supervisor-${randomUUID()}`);
  await writeFile(unfinished, `${JSON.stringify(note)}\n`, { mode: 0o600 });
  try {
    while (!(await linkNew(unfinished, file(dir))) && !(await takeOver(dir, unfinished, signal)));
  } finally {
    await rm(unfinished, { force: true });
  }
}

/**
 * Takes the place of a supervisor that died. Of those that find it dead one at a time looks again and replaces its
 * note in one step: whoever comes later finds one that answers.
 *
 * @throws LabError `running-already` where the supervisor answers
 */
async function takeOver(dir: string, unfinished: string, signal?: AbortSignal): Promise<boolean> {
  if (!(await isAbandoned(dir, signal))) return false;
  const turn = join(dir, '.supervisor-turn');
  if (!(await linkNew(unfinished, turn))) {
    // Whoever had the turn died within these few steps, if it does not answer.
    const other = await readNote(turn);
    if (other && !(await isAnswering(other, signal))) await rm(turn, { force: true });
    return false;
  }
  try {
    if (!(await isAbandoned(dir, signal))) return false;
    await rename(unfinished, file(dir));
    return true;
  } finally {
    await rm(turn, { force: true });
  }
}

/** Whether there is a note of somebody who does not answer. */
async function isAbandoned(dir: string, signal?: AbortSignal): Promise<boolean> {
  const other = await readSupervisorNote(dir);
  if (other === undefined) return false;
  if (!(await isAnswering(other, signal))) return true;
  throw new LabError('running-already', `the lab in ${dir} is running already, as process ${other.pid}`);
}

/** Says that nobody runs the lab any more. */
export function removeSupervisorNote(dir: string): Promise<void> {
  return rm(file(dir), { force: true });
}

/** A hard link appears whole, and only where nothing is. */
function linkNew(from: string, to: string): Promise<boolean> {
  return link(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

/** Whether the process of a note is there and is the one that wrote it. Throws the signal's reason where that came first. */
export async function isAnswering(note: SupervisorNote, signal?: AbortSignal): Promise<boolean> {
  return askSupervisor(note, 'status', { signal }).then(
    () => true,
    () => {
      // Whoever was not waited for may be alive.
      signal?.throwIfAborted();
      return false;
    },
  );
}
