import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { writeWhole } from '../files/write-whole.js';
import { endLeftover, isRunning } from '../processes/leftovers.js';

const schema = z.array(z.strictObject({ pid: z.int(), marker: z.string() }));

/** A process of a lab, and a part of its command line by which to know it again. */
export type RecordedProcess = z.infer<typeof schema>[number];

const file = (dir: string) => join(dir, 'processes.json');

/** Notes which processes a lab runs, for the case that neither it nor its warden can end them. */
export function recordProcesses(dir: string, processes: readonly RecordedProcess[]): Promise<void> {
  return processes.length === 0
    ? rm(file(dir), { force: true })
    : writeWhole(file(dir), `${JSON.stringify(processes)}\n`);
}

/** Ends what an earlier run of the lab in `dir` left behind; returns how many processes that were. */
export async function endRecordedProcesses(dir: string): Promise<number> {
  const text = await readFile(file(dir), 'utf8').catch(() => undefined);
  if (text === undefined) return 0;
  const leftovers = await Promise.all(
    schema.parse(JSON.parse(text)).map(async ({ pid, marker }) => {
      const there = await isRunning(pid, marker);
      if (there) await endLeftover(pid, marker);
      return there;
    }),
  );
  await rm(file(dir), { force: true });
  return leftovers.filter(Boolean).length;
}
