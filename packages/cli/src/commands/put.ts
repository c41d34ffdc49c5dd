import type { Command } from 'commander';
import { brokerOption } from '../broker/broker-url.js';

/** `put FILE|-`: stores a file, prints its capability. */
export function putCommand(program: Command): void {
  program
    .command('put')
    .description('store a file, and print the capability to read it')
    .argument('<file>', 'the file, or - for standard input')
    .addOption(brokerOption())
    .action(async (file: string, options: { broker: string }) => {
      const { storeFile } = await import('../broker/store.js');
      process.stdout.write(`${await storeFile(options.broker, file)}\n`);
    });
}
