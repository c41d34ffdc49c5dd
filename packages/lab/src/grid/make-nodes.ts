import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '@holdfast/common/files';
import { databaseUrl } from '../servers/databases.js';
import type { Backing } from './backing.js';
import { initArguments } from './init-arguments.js';
import type { LabPlan } from './plan.js';
import { runHoldfast } from './program.js';

/**
 * Makes the folders of a plan's nodes by `holdfast init`, but for those that are there, and writes down the passwords that
 * they use now.
 *
 * @param postgres the URL of the server that has their databases
 */
export async function makeNodes(
  dir: string,
  plan: LabPlan,
  { postgres, nats }: { postgres: string; nats: Backing },
): Promise<void> {
  const nodes = plan.nodes.map((node) => {
    const folder = join(dir, node.nickname);
    const backing = { database: databaseUrl(postgres, node.database), nats };
    return { folder, ...initArguments(folder, plan, node, backing) };
  });
  const there = await Promise.all(nodes.map(({ folder }) => exists(join(folder, 'node.yaml'))));
  await runHoldfast(...nodes.filter((_, index) => !there[index]).map(({ args }) => args));
  for (const { folder, passwords } of nodes)
    for (const [name, password] of Object.entries(passwords))
      await writeFile(join(folder, 'private', name), `${password}\n`, { mode: 0o600 });
}
