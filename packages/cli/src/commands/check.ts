import type { Command } from 'commander';
import { brokerOption } from '../broker/broker-url.js';
import type { CheckOptions } from '../broker/check.js';

/** `check CAP` and `repair CAP`: how a file is doing, and putting right what it lacks. */
export function checkCommand(program: Command): void {
  add(program, 'check', 'look which shares of a file are there; exits with 1 where it is not healthy').action(
    async (capability: string, options: CheckOptions) =>
      (await import('../broker/check.js')).checkFile(capability.trim(), options),
  );
  add(program, 'repair', 'make and place the shares that a file lacks').action(
    async (capability: string, options: CheckOptions) =>
      (await import('../broker/check.js')).repairFile(capability.trim(), options),
  );
}

function add(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument('<capability>', 'what `put` printed, or a verify capability')
    .option('--verify', 'read every byte of every share')
    .option('--add-lease', 'renew the leases of the broker on the shares')
    .option('--json', 'as JSON, as the web API gives it')
    .addOption(brokerOption());
}
