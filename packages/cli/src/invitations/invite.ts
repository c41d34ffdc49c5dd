import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bus } from '@holdfast/common/bus';
import { busAccess, duration, readYamlConfiguration } from '@holdfast/common/configuration';
import { silentLogger } from '@holdfast/common/logging';
import { AccountBook, AccountError, grantServers, knownServers, SecretSeal } from '@holdfast/storage';
import type { z } from 'zod';
import { connectionsYaml } from '../announcements/formats.js';
import { roleOfNode } from '../nodes/role.js';
import { withStorageNode } from '../nodes/storage-node.js';
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
}

/** Most of the settings' JSON that a message carries, sealed and in base64, under the bus's limit of 1 MiB. */
const mostSettings = 700_000;

/**
 * Invites one node: prints a code and waits until it is used, or writes a file with all of it.
 *
 * @throws InvitationError `role`, `too-large`, `expired`; AccountError; ConfigurationError
 */
export async function invite(options: InviteOptions): Promise<void> {
  const patience = duration.parse(options.expires);
  const { settings, access } = await settingsFor(options);
  if (options.file !== undefined) {
    const expires = new Date(Date.now() + patience).toISOString();
    const text = `${JSON.stringify({ holdfast_invitation: 1, expires, settings }, null, 2)}\n`;
    await writeFile(options.file, text, { mode: 0o600, flag: 'wx' });
    process.stdout.write(`Wrote ${options.file}. Whoever can read it can join: bin/holdfast join FILE DIR\n`);
    return;
  }
  if (JSON.stringify(settings).length > mostSettings)
    throw new InvitationError('too-large', 'this is too much for the bus to carry: invite with --file');
  const code = InvitationCode.create(access.url);
  const bus = new Bus({ ...access, name: 'holdfast invite', logger: silentLogger() });
  try {
    process.stdout.write(`holdfast join ${code} DIR\n`);
    const nickname = await answerOne(bus, code, settings, patience);
    process.stdout.write(`${nickname} has joined.\n`);
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
  const timer = setTimeout(
    () => reject(new InvitationError('expired', 'nobody used the code in time; it is good no more')),
    patience,
  );
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

async function settingsFor({ dir, account }: InviteOptions) {
  if (account !== undefined) return settingsOfCustomer(dir, account);
  const role = await roleOfNode(dir);
  if (role === 'introducer')
    throw new InvitationError(
      'role',
      'expected the folder of a storage server or a broker: the new node is like it',
    );
  const node = await readNode(dir, role);
  const access = await busAccess(dir, 'bus', node.bus);
  const settings: InvitationSettings = {
    kind: 'node',
    role,
    grid: node.grid,
    bus: access.url,
    ...(access.ca === undefined ? {} : { busCa: access.ca }),
    ...(node.shares === undefined ? {} : { shares: node.shares }),
  };
  return { settings, access };
}

async function readNode(dir: string, role: 'storage' | 'broker') {
  const file = join(dir, 'node.yaml');
  if (role === 'storage') {
    const { nodeConfiguration } = await import('@holdfast/storage');
    const { grid, bus } = await readYamlConfiguration(file, nodeConfiguration);
    return { grid, bus, shares: undefined };
  }
  const { nodeConfiguration } = await import('@holdfast/broker');
  const { grid, bus, encoding } = await readYamlConfiguration(file, nodeConfiguration);
  const { required, happy, total } = encoding;
  return { grid, bus, shares: { required, happy, total } };
}

function settingsOfCustomer(dir: string, account: string) {
  return withStorageNode(
    dir,
    'holdfast invite',
    async ({ dir: folder, configuration, database, identity, server }) => {
      const seal = new SecretSeal(identity.signingKey);
      const book = new AccountBook({ database, keeper: server, seal, logger: silentLogger() });
      const { granted } = grantServers(await book.secretOf(account), await knownServers(database));
      if (granted.length === 0)
        throw new AccountError(
          'no-servers',
          account,
          'no storage server has said yet where clients reach it',
        );
      await book.register();
      const settings: InvitationSettings = {
        kind: 'customer',
        role: 'broker',
        grid: configuration.grid,
        connections: `introducers: {}\n${connectionsYaml(granted)}`,
      };
      return { settings, access: await busAccess(folder, 'bus', configuration.bus) };
    },
  );
}
