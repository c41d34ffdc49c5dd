import type { Command } from 'commander';
import { durationArgument } from '../arguments.js';
import type { InviteOptions } from '../invitations/invite.js';

/** `invite`: lets one new node have the settings of a grid. */
export function inviteCommand(program: Command): void {
  program
    .command('invite')
    .description('print a code by which one new node joins the grid, and wait until it is used')
    .requiredOption(
      '--dir <dir>',
      'the folder of a storage server, a broker or a repairer: the new node is like it',
    )
    .option('--account <name>', "invite a customer's broker, with this account; --dir is a storage server")
    .option('--file <file>', 'write a file instead, which needs no bus')
    .option('--expires <duration>', 'how long the invitation is good', durationArgument, '1h')
    .option('--json', 'as JSON, one line for each thing that happens')
    .action(async (options: InviteOptions) => (await import('../invitations/invite.js')).invite(options));
}
