import { access, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabPlan, PlannedNode } from './plan.js';
import { runHoldfast } from './program.js';

/** The account by which all repairers of a lab store, and the folder of what it was granted. */
const account = 'repairers';

/**
 * Makes the repairers' account and grants it, unless that was done. The storage servers must have started: only then is
 * it known how they are reached.
 */
export async function grantRepairers(dir: string, plan: LabPlan): Promise<void> {
  const keeper = plan.nodes.find(({ role }) => role === 'storage');
  if (!keeper || (await exists(grantOf(dir)))) return;
  const at = ['--dir', join(dir, keeper.nickname)];
  // It is there where an earlier start came no further.
  await runHoldfast(['account', 'show', account, ...at]).catch(() =>
    runHoldfast(['account', 'create', account, '--repairer', ...at]),
  );
  await runHoldfast(['account', 'grant', account, ...at, '--out', join(dir, account)]);
}

/** Has a repairer that was just made use the account. */
export async function giveAccount(dir: string, repairer: PlannedNode): Promise<void> {
  if (await exists(grantOf(dir)))
    await copyFile(grantOf(dir), join(dir, repairer.nickname, 'connections.yaml'));
}

const grantOf = (dir: string) => join(dir, account, 'connections.yaml');

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
