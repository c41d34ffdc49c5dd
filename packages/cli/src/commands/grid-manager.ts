import type { Command } from 'commander';
import { countArgument } from '../arguments.js';
import type { Shown } from '../grid-manager/operations.js';

/** The peer's limit too. */
const mostDays = 1825;

/** `grid-manager create|add|sign|list|remove|public-identity`: a key that vouches for storage servers. */
export function gridManagerCommand(program: Command): void {
  const manager = program
    .command('grid-manager')
    .description('vouch for the storage servers to which brokers and Tahoe-LAFS clients upload');
  const command = (name: string, description: string) =>
    manager
      .command(name)
      .description(description)
      .requiredOption('--config, --dir <dir>', "the grid manager's folder; --config as with Tahoe-LAFS")
      .option('--json', 'as JSON');
  const operations = () => import('../grid-manager/operations.js');

  command('create', 'make a grid manager: a folder with a new key').action(async (options: Shown) =>
    (await operations()).create(options),
  );
  command('public-identity', 'show the public key that brokers and clients are told').action(
    async (options: Shown) => (await operations()).publicIdentity(options),
  );
  command('add', 'name a storage server that may be vouched for')
    .argument('<name>', 'what it is called here')
    .argument('<key>', 'its id, v0-…, or the text of the node.pubkey of a Tahoe-LAFS server')
    .action(async (name: string, key: string, options: Shown) =>
      (await operations()).add(name, key, options),
    );
  command('sign', 'vouch for a storage server: print a certificate, and keep it')
    .argument('<name>', 'the storage server')
    .argument('<days>', `for how long, 1 to ${mostDays} days`, countArgument(mostDays))
    .action(async (name: string, days: number, options: Shown) =>
      (await operations()).sign(name, days, options),
    );
  command('list', 'show the storage servers, and the certificates they were given').action(
    async (options: Shown) => (await operations()).list(options),
  );
  command('remove', 'forget a storage server, and vouch for it no more')
    .argument('<name>', 'the storage server')
    .action(async (name: string, options: Shown) => (await operations()).remove(name, options));
}
