import type { Command } from 'commander';
import { brokerOption } from '../broker/broker-url.js';

/** `get CAP [-o FILE]`: reads a file. */
export function getCommand(program: Command): void {
  program
    .command('get')
    .description('read a file')
    .argument('<capability>', 'what `put` printed')
    .option('-o, --output <file>', 'where to write it (default: standard output)')
    .addOption(brokerOption())
    .action(async (capability: string, options: { broker: string; output?: string }) => {
      const { fetchFile } = await import('../broker/fetch-file.js');
      const { output } = options;
      if (output === undefined) return fetchFile(options.broker, capability.trim(), () => process.stdout);
      const { writeWholeFile } = await import('../broker/whole-file.js');
      await writeWholeFile(output, (open) => fetchFile(options.broker, capability.trim(), open));
    });
}
