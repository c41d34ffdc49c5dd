import { release } from '@holdfast/common/release';
import { Command } from 'commander';
import { accountCommand } from './commands/account.js';
import { announcementsCommand } from './commands/announcements.js';
import { checkCommand } from './commands/check.js';
import { getCommand } from './commands/get.js';
import { gridManagerCommand } from './commands/grid-manager.js';
import { initCommand } from './commands/init.js';
import { inviteCommand } from './commands/invite.js';
import { joinCommand } from './commands/join.js';
import { labCommand } from './commands/lab.js';
import { putCommand } from './commands/put.js';
import { queueCommand } from './commands/queue.js';
import { runCommand } from './commands/run.js';
import { storageCommand } from './commands/storage.js';
import { usageCommand } from './commands/usage.js';
import { explain } from './exit-status.js';

/**
 * Runs one `holdfast` command.
 *
 * @param args what follows `holdfast` on the command line
 * @returns the exit status: 0 done, 1 failed with one line on standard error, 2 wrong usage
 */
export async function main(args: readonly string[]): Promise<number> {
  // It repeats what it was given, and that may be a capability or a password in the wrong place.
  const wrongUsage: string[] = [];
  const program = new Command('holdfast')
    .description('A storage grid, compatible with Tahoe-LAFS.')
    .version(release)
    .exitOverride()
    .configureOutput({ writeErr: (text) => wrongUsage.push(text) })
    .showSuggestionAfterError(false)
    .helpCommand(false);
  // After the settings above, which each command takes over as it is added.
  for (const add of [
    putCommand,
    getCommand,
    checkCommand,
    initCommand,
    runCommand,
    labCommand,
    accountCommand,
    usageCommand,
    announcementsCommand,
    gridManagerCommand,
    inviteCommand,
    joinCommand,
    storageCommand,
    queueCommand,
  ])
    add(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    const { status, message } = await explain(error);
    const { redact } = await import('@holdfast/common/logging');
    process.stderr.write(redact(wrongUsage.join('')));
    if (message !== undefined) process.stderr.write(`holdfast: ${message}\n`);
    return status;
  }
}
