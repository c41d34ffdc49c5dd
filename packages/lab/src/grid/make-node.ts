import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backing } from './backing.js';
import type { LabPlan, PlannedNode } from './plan.js';
import { runHoldfast } from './program.js';

/**
 * Makes a node's folder by `holdfast init`, unless it is there.
 *
 * @returns whether it was made
 */
export async function makeNode(
  dir: string,
  plan: LabPlan,
  node: PlannedNode,
  { database, nats }: { database: string; nats: Backing },
): Promise<boolean> {
  const folder = join(dir, node.nickname);
  const postgres = new URL(database);
  const password = decodeURIComponent(postgres.password);
  postgres.password = '';
  const isNew = !(await exists(join(folder, 'node.yaml')));
  if (isNew) {
    const { required, happy, total } = plan.shares;
    await runHoldfast([
      'init',
      node.role,
      folder,
      ...['--nickname', node.nickname],
      ...['--grid', plan.grid],
      ...['--postgres', postgres.toString()],
      ...['--nats', busUrlOf(node, nats)],
      ...(nats.guard ? ['--nats-ca', nats.guard.caFile] : []),
      ...['--operator', `127.0.0.1:${node.operatorPort}`],
      ...(node.listenPort === undefined ? [] : ['--listen', `127.0.0.1:${node.listenPort}`]),
      ...(node.role === 'storage' ? ['--location', `127.0.0.1:${node.listenPort}`] : []),
      ...(node.role === 'broker' ? ['--shares', `${required},${happy},${total}`] : []),
    ]);
  }
  // Not on the command line, which every user of the machine can see.
  if (password !== '') {
    await writeFile(join(folder, 'private', 'postgres.password'), `${password}\n`, { mode: 0o600 });
  }
  const busPassword = nats.guard?.passwords[node.role];
  if (busPassword !== undefined)
    await writeFile(join(folder, 'private', 'bus.password'), `${busPassword}\n`, { mode: 0o600 });
  return isNew;
}

/** Each node is the bus's user of its role. */
function busUrlOf({ role }: PlannedNode, { url, port, guard }: Backing): string {
  return guard ? `tls://${role}@127.0.0.1:${port}` : url;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
