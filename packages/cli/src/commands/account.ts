import type { Command } from 'commander';
import { byteSizeArgument, durationArgument, quotaArgument } from '../arguments.js';

interface AccountOptions {
  readonly dir: string;
  readonly json?: true;
}

interface CreateOptions extends AccountOptions {
  readonly quota?: string;
  readonly leaseDuration?: string;
  readonly repairer?: true;
}

/** `account create|list|show|quota|freeze|unfreeze|revoke|grant`: the customers of an operator. */
export function accountCommand(program: Command): void {
  const account = program
    .command('account')
    .description('the accounts that may store on the servers of a database, and what each holds');
  const command = (name: string, description: string) =>
    account
      .command(name)
      .description(description)
      .requiredOption('--dir <dir>', 'the folder of a storage server or of a lab')
      .option('--json', 'as JSON');
  const named = (name: string, description: string) =>
    command(name, description).argument('<name>', 'the account');
  const operations = () => import('../accounts/operations.js');

  named('create', "make an account, and keep its secret in this folder's account book")
    .option(
      '--quota <size>',
      'most bytes of share data over all servers (default: no limit)',
      byteSizeArgument,
    )
    .option(
      '--lease-duration <duration>',
      'how long its leases last, such as 60d (default: as each server is configured)',
      durationArgument,
    )
    .option(
      '--repairer',
      "for repairers: what they store is leased to those who keep the file's other shares",
    )
    .action(async (name: string, options: CreateOptions) => (await operations()).create(name, options));

  command('list', 'show all accounts, and what each holds').action(async (options: AccountOptions) =>
    (await operations()).list(options),
  );

  named('show', 'show one account, and what it holds at each server').action(
    async (name: string, options: AccountOptions) => (await operations()).show(name, options),
  );

  named('quota', 'set how much an account may hold over all servers')
    .argument('<size>', 'such as 100GB, or none', quotaArgument)
    .action(async (name: string, size: string, options: AccountOptions) =>
      (await operations()).quota(name, size, options),
    );

  const states = [
    ['freeze', 'frozen', 'let an account read and renew, but store nothing new'],
    ['unfreeze', 'active', 'let a frozen or revoked account do everything again'],
    ['revoke', 'revoked', 'refuse an account; its leases run out'],
  ] as const;
  for (const [verb, state, description] of states) {
    named(verb, description).action(async (name: string, options: AccountOptions) =>
      (await operations()).changeState(name, state, options),
    );
  }

  named('grant', 'write the files by which a customer uses the account')
    .requiredOption('--out <folder>', 'where to write connections.yaml and servers.yaml')
    .action(async (name: string, options: AccountOptions & { out: string }) =>
      (await operations()).grant(name, options),
    );
}
