import { type Command, Option } from 'commander';
import type { UsageOptions } from '../usage/report.js';
import { hourArgument } from '../usage/usage-arguments.js';

/** `usage`: what accounts used, to bill them for it. */
export function usageCommand(program: Command): void {
  program
    .command('usage')
    .description('show what accounts used, in byte-hours')
    .requiredOption('--dir <dir>', 'the folder of a storage server or of a lab')
    .option('--account <name>', 'one account (default: all)')
    .option('--from <time>', 'from this full hour, UTC (default: the first of the month)', hourArgument)
    .option('--to <time>', 'up to this full hour, UTC (default: now)', hourArgument)
    .addOption(new Option('--json', 'as JSON').conflicts('csv'))
    .option('--csv', 'as CSV')
    .action(async (options: UsageOptions) => (await import('../usage/report.js')).reportUsage(options));
}
