import { LabError } from '../grid/errors.js';
import { removeLabJson } from '../grid/lab-json.js';
import { readPlan } from '../grid/plan.js';
import { endRecordedProcesses } from '../grid/running-processes.js';
import { waitFor } from '../processes/until-ready.js';
import { askSupervisor } from './control-client.js';
import type { LabStatus } from './status.js';
import {
  isAnswering,
  readSupervisorNote,
  removeSupervisorNote,
  type SupervisorNote,
} from './supervisor-note.js';

/** Who runs in the lab in `dir`. Throws LabError `not-running` or `no-lab`. */
export async function labStatus(dir: string): Promise<LabStatus> {
  return (await askSupervisor(await supervisorOf(dir), 'status')) as LabStatus;
}

/** Stops one process of the lab in `dir`. Throws LabError. */
export async function stopInLab(dir: string, nickname: string): Promise<void> {
  await askSupervisor(await supervisorOf(dir), 'stop', { nickname });
}

/** Starts one stopped process of the lab in `dir`. Throws LabError. */
export async function startInLab(dir: string, nickname: string): Promise<void> {
  await askSupervisor(await supervisorOf(dir), 'start', { nickname });
}

/**
 * Ends the lab in `dir` and resolves when nothing of it runs any more, also where the process that ran it died.
 *
 * @returns false where nothing ran
 */
export async function endLab(dir: string): Promise<boolean> {
  await mustBeLab(dir);
  const note = await readSupervisorNote(dir);
  const answering = note !== undefined && (await isAnswering(note));
  if (answering) {
    await askSupervisor(note, 'down');
    const gone = async () => ((await readSupervisorNote(dir))?.token === note.token ? undefined : true);
    await waitFor('the lab ends', gone, { timeoutMs: 60_000 });
    return true;
  }
  const ended = await endRecordedProcesses(dir);
  await removeSupervisorNote(dir);
  await removeLabJson(dir);
  return ended > 0;
}

async function supervisorOf(dir: string): Promise<SupervisorNote> {
  await mustBeLab(dir);
  const note = await readSupervisorNote(dir);
  if (note !== undefined && (await isAnswering(note))) return note;
  throw new LabError('not-running', `the lab in ${dir} is not running`);
}

async function mustBeLab(dir: string): Promise<void> {
  if ((await readPlan(dir)) === undefined) throw new LabError('no-lab', `there is no lab in ${dir}`);
}
