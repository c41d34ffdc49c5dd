import type { KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bus } from '@holdfast/common/bus';
import { type BusAccess, busAccess, duration, readYamlConfiguration } from '@holdfast/common/configuration';
import { ownBusTypes } from '@holdfast/common/connections';
import { formatManagerKey } from '@holdfast/common/grid-management';
import { type IntroducerAccess, readIntroducers, readOwnBus } from '@holdfast/common/introducers';
import { silentLogger } from '@holdfast/common/logging';
import {
  AccountBook,
  AccountError,
  grantServers,
  knownServers,
  SecretSeal,
  type StorageConfiguration,
} from '@holdfast/storage';
import type * as z from 'zod';
import { connectionsYaml } from '../announcements/formats.js';
import { valueFrom } from '../arguments.js';
import { roleOfNode } from '../nodes/role.js';
import { withStorageNode } from '../nodes/storage-node.js';
import { tellServers } from '../nodes/tell-servers.js';
import { printable } from '../printable.js';
import { InvitationCode, InvitationError } from './code.js';
import { type InvitationSettings, joinQuestion, joinRequest } from './settings.js';

/** How to invite. */
export interface InviteOptions {
  /** The folder of a node whose bus is used, and whose role the new one has. */
  readonly dir: string;
  /** Whose account a customer's broker gets; then `dir` is a storage server. */
  readonly account?: string;
  readonly file?: string;
  readonly expires: string;
  readonly json?: true;
}

const longestTimer = 24 * 60 * 60_000;

/** Most of the settings' JSON that a message carries, sealed and in base64, under the bus's limit of 1 MiB. */
const mostSettings = 700_000;

/**
 * Invites one node: prints a code and waits until it is used, or writes a file with all of it.
 *
 * @throws InvitationError `role`, `no-bus`, `too-large`, `expired`; AccountError; ConfigurationError
 */
export async function invite(options: InviteOptions): Promise<void> {
  const patience = valueFrom(duration, options.expires);
  const say = (value: object, text: string) =>
    process.stdout.write(`${options.json ? JSON.stringify(value) : text}\n`);
  const { settings, meeting } = await invitationFor(options);
  if (options.file !== undefined) {
    const expires = new Date(Date.now() + patience).toISOString();
    const text = `${JSON.stringify({ holdfast_invitation: 1, expires, settings }, null, 2)}\n`;
    await writeFile(options.file, text, { mode: 0o600, flag: 'wx' });
    const wrote = `Wrote ${options.file}. Whoever can read it can join: bin/holdfast join FILE DIR`;
    say({ file: options.file, expires }, wrote);
    return;
  }
  if (!meeting)
    throw new InvitationError(
      'no-bus',
      'this node uses no bus, so there is none to meet at: invite with --file',
    );
  if (JSON.stringify(settings).length > mostSettings)
    throw new InvitationError('too-large', 'this is too much for the bus to carry: invite with --file');
  const code = InvitationCode.create(meeting.url);
  const bus = new Bus({ ...meeting, name: 'holdfast invite', logger: silentLogger() });
  try {
    say({ code: `${code}` }, `holdfast join ${code} DIR`);
    const nickname = await answerOne(bus, code, settings, patience);
    say({ joined: nickname }, `${printable(nickname)} has joined.`);
  } finally {
    // Closing sends what is still to be sent: the answer.
    await bus.close();
  }
}

async function answerOne(
  bus: Bus,
  code: InvitationCode,
  settings: InvitationSettings,
  patience: number,
): Promise<string> {
  const { promise, resolve, reject } = withResolvers<string>();
  const until = Date.now() + patience;
  // A timer of more than 24 days would go off at once.
  const wait = () => setTimeout(look, Math.min(until - Date.now(), longestTimer));
  const look = () => {
    if (Date.now() < until) timer = wait();
    else reject(new InvitationError('expired', 'nobody used the code in time; it is good no more'));
  };
  let timer = wait();
  let used = false;
  bus.serve(joinQuestion(code.meetingPlace), ({ sealed }) => {
    const request = openRequest(code, sealed);
    if (request === undefined) return { refused: 'this is not sealed by the code of the invitation' };
    if (used) return { refused: 'this invitation was used already' };
    used = true;
    setImmediate(() => resolve(request.nickname));
    return { sealed: code.seal('answer', settings, request.nonce) };
  });
  return promise.finally(() => clearTimeout(timer));
}

/** Undefined for what somebody says who does not have the code. */
function openRequest(code: InvitationCode, sealed: string): z.infer<typeof joinRequest> | undefined {
  try {
    return joinRequest.parse(code.open('request', sealed));
  } catch {
    return undefined;
  }
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((...both) => {
    [resolve, reject] = both;
  });
  return { promise, resolve, reject };
}

/** What is told, and the bus to meet at; none where the node uses none. */
interface Invitation {
  readonly settings: InvitationSettings;
  readonly meeting: IntroducerAccess | undefined;
}

async function invitationFor({ dir, account }: InviteOptions): Promise<Invitation> {
  if (account !== undefined) return invitationOfCustomer(dir, account);
  const role = await roleOfNode(dir);
  switch (role) {
    case 'storage':
      return invitationOfStorage(dir);
    case 'broker':
      return invitationOfBroker(dir);
    case 'repairer':
      return invitationOfRepairer(dir);
    default:
      throw new InvitationError(
        'role',
        'expected the folder of a storage server, a broker or a repairer: the new node is like it',
      );
  }
}

async function invitationOfStorage(dir: string): Promise<Invitation> {
  const { nodeConfiguration } = await import('@holdfast/storage');
  const configuration = await readYamlConfiguration(join(dir, 'node.yaml'), nodeConfiguration);
  const { grid, introducers, connection_types: forAll } = configuration;
  const meeting = await ownBus(dir, configuration);
  return {
    settings: {
      kind: 'node',
      role: 'storage',
      grid,
      ...toldBus(meeting),
      ...(introducers && toldIntroducers(await readIntroducers(dir, configuration, introducers, forAll))),
    },
    meeting,
  };
}

async function invitationOfBroker(dir: string): Promise<Invitation> {
  const { nodeConfiguration } = await import('@holdfast/broker');
  const { readConnections } = await import('@holdfast/membership');
  const configuration = await readYamlConfiguration(join(dir, 'node.yaml'), nodeConfiguration);
  const { grid, bus, encoding, grid_managers } = configuration;
  const { introducers, connection_types: forAll } = await readConnections(dir, configuration);
  const { required, happy, total } = encoding;
  const listenedTo = await readIntroducers(dir, configuration, introducers, forAll);
  return {
    settings: {
      kind: 'node',
      role: 'broker',
      grid,
      ...toldBus(await busAccess(dir, 'bus', bus)),
      ...(introducers && toldIntroducers(listenedTo)),
      ...toldManagers(grid_managers),
      shares: { required, happy, total },
    },
    meeting: [...listenedTo.values()][0],
  };
}

/** Not told: its Postgres, in which whoever has the password may do everything. */
async function invitationOfRepairer(dir: string): Promise<Invitation> {
  const { nodeConfiguration } = await import('@holdfast/repairer');
  const { readConnections } = await import('@holdfast/membership');
  const configuration = await readYamlConfiguration(join(dir, 'node.yaml'), nodeConfiguration);
  const { introducers, connection_types: forAll } = await readConnections(dir, configuration);
  const meeting = await readOwnBus(dir, configuration, forAll);
  const listenedTo = await readIntroducers(dir, configuration, introducers, forAll);
  return {
    settings: {
      kind: 'node',
      role: 'repairer',
      grid: configuration.grid,
      ...toldBus(meeting),
      ...(introducers && toldIntroducers(listenedTo)),
      ...toldManagers(configuration.grid_managers),
    },
    meeting,
  };
}

function toldManagers(managers: Readonly<Record<string, KeyObject>>) {
  const told = Object.entries(managers).map(([name, key]) => [name, formatManagerKey(key)]);
  return told.length === 0 ? {} : { gridManagers: Object.fromEntries(told) as Record<string, string> };
}

function toldBus({ url, ca }: BusAccess) {
  return { bus: url, ...(ca === undefined ? {} : { busCa: ca }) };
}

function toldIntroducers(introducers: ReadonlyMap<string, BusAccess>) {
  const told = [...introducers].map(([name, { url, ca }]) => [
    name,
    { url, ...(ca === undefined ? {} : { ca }) },
  ]);
  return { introducers: Object.fromEntries(told) as Record<string, { url: string; ca?: string }> };
}

/** The bus of a storage server's `node.yaml`. */
async function ownBus(dir: string, configuration: StorageConfiguration): Promise<IntroducerAccess> {
  return {
    ...(await busAccess(dir, 'bus', configuration.bus)),
    connectionTypes: ownBusTypes(configuration, configuration.connection_types),
  };
}

function invitationOfCustomer(dir: string, account: string): Promise<Invitation> {
  return withStorageNode(dir, 'holdfast invite', async (node) => {
    const { dir: folder, configuration, database, identity, server } = node;
    const seal = new SecretSeal(identity.signingKey);
    const book = new AccountBook({ database, keeper: server, seal, logger: silentLogger() });
    const { granted } = grantServers(await book.secretOf(account), await knownServers(database));
    if (granted.length === 0)
      throw new AccountError('no-servers', account, 'no storage server has said yet where clients reach it');
    if ((await book.register()) > 0) await tellServers(node);
    const settings: InvitationSettings = {
      kind: 'customer',
      role: 'broker',
      grid: configuration.grid,
      connections: `introducers: {}\n${connectionsYaml(granted)}`,
    };
    return { settings, meeting: await ownBus(folder, configuration) };
  });
}
