import { withoutPassword } from '@holdfast/common/configuration';
import type { Backing } from './backing.js';
import type { LabPlan, PlannedNode } from './plan.js';

/** What a new node is made with. */
export interface InitArguments {
  /** Of `holdfast`. Every user of the machine can see them, so there is no password in them. */
  readonly args: readonly string[];
  /** Files of its `private/`, by name: the passwords of its database and its bus, where they have one. */
  readonly passwords: Readonly<Record<string, string>>;
}

/** How the node of a plan is made in `folder`. `database` is its URL, with the password. */
export function initArguments(
  folder: string,
  plan: LabPlan,
  node: PlannedNode,
  { database, nats }: { database: string; nats: Backing },
): InitArguments {
  const { required, happy, total } = plan.shares;
  const postgres = withoutPassword(database);
  const bus = withoutPassword(busUrlOf(node, nats));
  const passwords = Object.entries({
    'postgres.password': postgres.password,
    'bus.password': bus.password,
  });
  return {
    args: [
      'init',
      node.role,
      folder,
      ...['--nickname', node.nickname],
      ...['--grid', plan.grid],
      ...['--postgres', postgres.url],
      ...['--nats', bus.url],
      ...(nats.guard ? ['--nats-ca', nats.guard.caFile] : []),
      ...['--operator', `127.0.0.1:${node.operatorPort}`],
      ...(node.listenPort === undefined ? [] : ['--listen', `127.0.0.1:${node.listenPort}`]),
      ...(node.role === 'storage' ? ['--location', `127.0.0.1:${node.listenPort}`] : []),
      ...(node.role === 'broker' ? ['--shares', `${required},${happy},${total}`] : []),
    ],
    passwords: Object.fromEntries(passwords.filter(([, password]) => password !== '')),
  };
}

/** Each node is a guarded bus's user of its role. */
function busUrlOf({ role }: PlannedNode, { url, port, guard }: Backing): string {
  return guard ? `tls://${role}:${guard.passwords[role]}@127.0.0.1:${port}` : url;
}
