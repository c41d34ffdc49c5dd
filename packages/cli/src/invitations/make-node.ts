import type { WrittenConnectionTypes } from '@holdfast/common/connections';
import { reachable } from '../nodes/reachable.js';
import type { InvitationSettings } from './settings.js';

/** What whoever is invited decides for the new node. */
export interface JoinOptions {
  readonly nickname?: string;
  readonly postgres: string;
  readonly listen?: string;
  readonly location?: readonly string[];
  readonly shares?: { readonly required: number; readonly happy: number; readonly total: number };
  readonly operator?: string;
  readonly anonymous?: boolean;
  readonly connectionTypes?: WrittenConnectionTypes;
}

/** Not connected to: a customer's broker is told of its servers in `connections.yaml`, which names no introducer. */
const noBus = 'nats://127.0.0.1:4222';

/** Makes the folder of an invited node. @throws NodeFolderExistsError */
export async function makeInvitedNode(
  dir: string,
  settings: InvitationSettings,
  options: JoinOptions & { readonly nickname: string },
): Promise<void> {
  const { nickname, postgres, anonymous = false, connectionTypes } = options;
  const common = {
    nickname,
    postgres,
    grid: settings.grid,
    anonymous,
    ...(connectionTypes === undefined ? {} : { connectionTypes }),
  };
  if (settings.kind === 'customer') {
    // The servers' addresses in connections.yaml end in the account's credentials.
    process.umask(0o077);
    const { initialise } = await import('@holdfast/broker');
    await initialise(dir, {
      ...common,
      ...brokerPlaces(options),
      bus: noBus,
      connections: settings.connections,
      ...(options.shares === undefined ? {} : { shares: options.shares }),
    });
    return;
  }
  const { bus, busCa, introducers, gridManagers } = settings;
  const onBus = {
    ...common,
    bus,
    ...(busCa === undefined ? {} : { busCa }),
    ...(introducers === undefined ? {} : { introducers }),
  };
  if (settings.role === 'storage') {
    const { initialise } = await import('@holdfast/storage');
    const { listen = '127.0.0.1:7201', operator = '127.0.0.1:7102' } = options;
    // Where it listens is no place that an anonymous node may tell of.
    const locations = options.location ?? (anonymous ? [] : [reachable(listen)]);
    await initialise(dir, { ...onBus, listen, operator, locations });
    return;
  }
  const managed = { ...onBus, ...(gridManagers === undefined ? {} : { gridManagers }) };
  if (settings.role === 'repairer') {
    const { initialise } = await import('@holdfast/repairer');
    await initialise(dir, { ...managed, operator: options.operator ?? '127.0.0.1:7104' });
    return;
  }
  const { initialise } = await import('@holdfast/broker');
  const shares = options.shares ?? settings.shares;
  await initialise(dir, {
    ...managed,
    ...brokerPlaces(options),
    ...(shares === undefined ? {} : { shares }),
  });
}

function brokerPlaces({ listen = '127.0.0.1:3456', operator = '127.0.0.1:7103' }: JoinOptions) {
  return { listen, operator };
}
