import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '@holdfast/common/files';
import { writeWhole } from '../files/write-whole.js';
import type { LabPlan, PlannedNode } from './plan.js';
import { CommandFailedError, runHoldfast } from './program.js';

/** The account by which all repairers of a lab store, and the folder of what it was granted. */
const account = 'repairers';

/**
 * Makes the repairers' account, unless it is there, and grants it anew: a grant names the ports of the storage servers,
 * and goes before what they announce. They must have started since their ports were changed: only then is it known how
 * they are reached.
 */
export async function grantRepairers(dir: string, plan: LabPlan): Promise<void> {
  const keeper = plan.nodes.find(({ role }) => role === 'storage');
  if (!keeper) return;
  const at = ['--dir', join(dir, keeper.nickname)];
  const fresh = join(dir, `${account}.new`);
  const grantAfter = async (...first: string[]) => {
    // Left by a start that came no further.
    await rm(fresh, { recursive: true, force: true });
    await runHoldfast([...first, ...at], ['account', 'grant', account, ...at, '--out', fresh]);
  };
  await grantAfter('account', 'show', account).catch((error: unknown) => {
    const isThere = !(error instanceof CommandFailedError && error.index === 0);
    if (isThere) throw error;
    return grantAfter('account', 'create', account, '--repairer');
  });
  await rm(join(dir, account), { recursive: true, force: true });
  await rename(fresh, join(dir, account));
}

/** Whether the grant says where a storage server is reached now. */
export async function isGrantedAt(dir: string, { listenPort }: PlannedNode): Promise<boolean> {
  return (await readFile(grantOf(dir), 'utf8')).includes(`127.0.0.1:${listenPort}/`);
}

/** Has a repairer use the account as it was granted last. One that runs takes it up at once. */
export async function giveAccount(dir: string, repairer: PlannedNode): Promise<void> {
  if (!(await exists(grantOf(dir)))) return;
  await writeWhole(join(dir, repairer.nickname, 'connections.yaml'), await readFile(grantOf(dir), 'utf8'));
}

const grantOf = (dir: string) => join(dir, account, 'connections.yaml');
