import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backing } from './backing.js';
import { initArguments } from './init-arguments.js';
import type { LabPlan, PlannedNode } from './plan.js';
import { runHoldfast } from './program.js';

/** Makes a node's folder by `holdfast init`, unless it is there, and writes down the passwords that it uses now. */
export async function makeNode(
  dir: string,
  plan: LabPlan,
  node: PlannedNode,
  backing: { database: string; nats: Backing },
): Promise<void> {
  const folder = join(dir, node.nickname);
  const { args, passwords } = initArguments(folder, plan, node, backing);
  if (!(await exists(join(folder, 'node.yaml')))) await runHoldfast(args);
  for (const [name, password] of Object.entries(passwords))
    await writeFile(join(folder, 'private', name), `${password}\n`, { mode: 0o600 });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
