import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LabError } from '../grid/errors.js';
import { askSupervisor } from './control-client.js';

const noteSchema = z.strictObject({ pid: z.int(), url: z.string(), token: z.string() });

/** How to reach the process that runs a lab. Kept in the lab's folder, for its owner alone. */
export type SupervisorNote = z.infer<typeof noteSchema>;

const file = (dir: string) => join(dir, 'supervisor.json');

/** Who runs the lab in `dir`, if anybody noted that; it may be dead. */
export async function readSupervisorNote(dir: string): Promise<SupervisorNote | undefined> {
  const text = await readFile(file(dir), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : noteSchema.parse(JSON.parse(text));
}

/**
 * Makes this process the one that runs the lab in `dir`. The control port must answer already.
 *
 * @throws LabError `running-already` where another process does, and is alive
 */
export async function becomeSupervisor(dir: string, note: SupervisorNote): Promise<void> {
  const unfinished = join(dir, `.supervisor-${randomUUID()}`);
  await writeFile(unfinished, `${JSON.stringify(note)}\n`, { mode: 0o600 });
  try {
    while (!(await linkNew(unfinished, file(dir)))) {
      const other = await readSupervisorNote(dir);
      if (other === undefined) continue;
      if (await isAnswering(other)) {
        throw new LabError(
          'running-already',
          `the lab in ${dir} is running already, as process ${other.pid}`,
        );
      }
      await rm(file(dir), { force: true });
    }
  } finally {
    await rm(unfinished, { force: true });
  }
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

/** Whether the process of a note is there and is the one that wrote it. */
export async function isAnswering(note: SupervisorNote): Promise<boolean> {
  return askSupervisor(note, 'status').then(
    () => true,
    () => false,
  );
}
