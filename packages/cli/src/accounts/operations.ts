import { byteSize, duration } from '@holdfast/common/configuration';
import { silentLogger } from '@holdfast/common/logging';
import {
  AccountBook,
  AccountError,
  type AccountSummary,
  grantServers,
  knownServers,
  listAccounts,
  SecretSeal,
  setAccountQuota,
  setAccountState,
  showAccount,
} from '@holdfast/storage';
import { valueFrom } from '../arguments.js';
import { type StorageNode, withStorageNode } from '../nodes/storage-node.js';
import { tellServers } from '../nodes/tell-servers.js';
import { requireCurrentRecords } from '../storage/current-records.js';
import { formatAccount, formatAccounts } from './formats.js';
import { writeGrant } from './write-grant.js';

/** Whose accounts, and how they are shown. */
export interface Shown {
  /** The folder of a storage server or of a lab. */
  readonly dir: string;
  readonly json?: true;
}

const withAccounts = <T>({ dir }: Shown, work: (node: StorageNode) => Promise<T>) =>
  withStorageNode(dir, 'holdfast account', work);

/** @throws UsageError; AccountError `bad-name`, `name-taken` */
export function create(
  name: string,
  options: Shown & {
    readonly quota?: string;
    readonly leaseDuration?: string;
    readonly repairer?: true;
  },
): Promise<void> {
  const quota = options.quota === undefined ? undefined : valueFrom(byteSize, options.quota);
  const leaseDuration =
    options.leaseDuration === undefined ? undefined : valueFrom(duration, options.leaseDuration);
  return change(name, options, `Made the account ${name}.`, (node) =>
    bookOf(node).create({ name, quota, leaseDuration, repairer: options.repairer === true }),
  );
}

export function list(options: Shown): Promise<void> {
  return withAccounts(options, async ({ database }) => {
    const accounts = await listAccounts(database);
    print(options, accounts, () => formatAccounts(accounts));
  });
}

/** @throws AccountError `no-such-account` */
export function show(name: string, options: Shown): Promise<void> {
  return withAccounts(options, async ({ database }) => {
    const account = await showAccount(database, name);
    print(options, account, () => formatAccount(account));
  });
}

/** @throws UsageError; AccountError `no-such-account`, `fixed-account` */
export function quota(name: string, size: string, options: Shown): Promise<void> {
  const bytes = size === 'none' ? undefined : valueFrom(byteSize, size);
  const now = size === 'none' ? 'has no quota' : `has a quota of ${size}`;
  return change(name, options, `The account ${name} ${now}.`, ({ database }) =>
    setAccountQuota(database, name, bytes),
  );
}

/** @throws AccountError `no-such-account`, `fixed-account`, `revoked` */
export function changeState(name: string, state: AccountSummary['state'], options: Shown): Promise<void> {
  return change(name, options, `The account ${name} is ${state}.`, ({ database }) =>
    setAccountState(database, name, state),
  );
}

/**
 * @throws AccountError `no-such-account`, `no-secret`, `not-keeper`, `unreadable-secret`, `no-servers`;
 *   GrantExistsError
 */
export function grant(name: string, options: Shown & { readonly out: string }): Promise<void> {
  return withAccounts(options, async (node) => {
    const book = bookOf(node);
    const secret = await book.secretOf(name);
    const { granted, leftOut } = grantServers(secret, await knownServers(node.database));
    if (granted.length === 0) {
      const message =
        'no storage server of this database has said yet where clients reach it: start one first';
      throw new AccountError('no-servers', name, message);
    }
    // What is given must be good at once, also at a server that came while no keeper ran.
    if ((await book.register()) > 0) await tellServers(node);
    const files = await writeGrant(options.out, name, granted);
    const servers = granted.map(({ serverId, body }) => ({ serverId, nickname: body.nickname }));
    print(options, { account: name, files, servers, leftOut }, () =>
      [
        `Wrote ${files.join(' and ')}: ${servers.length} servers for the account ${name}.`,
        ...leftOut.map((server) => `Left out ${server}: it has not said where clients reach it.`),
        'Whoever can read these files can use the account.',
        '',
      ].join('\n'),
    );
  });
}

/**
 * Changes something, says so to the servers that run, and shows what came of it.
 *
 * @throws RecordsNotCurrentError
 */
function change(
  name: string,
  options: Shown,
  done: string,
  work: (node: StorageNode) => Promise<void>,
): Promise<void> {
  return withAccounts(options, async (node) => {
    // What is changed in records that are too old is lost, or in the way, when they are recovered.
    await requireCurrentRecords(node);
    await work(node);
    await tellServers(node);
    print(options, options.json && (await showAccount(node.database, name)), () => `${done}\n`);
  });
}

function bookOf({ database, identity, server }: StorageNode): AccountBook {
  const seal = new SecretSeal(identity.signingKey);
  return new AccountBook({ database, keeper: server, seal, logger: silentLogger() });
}

function print({ json }: Shown, value: unknown, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : text());
}
