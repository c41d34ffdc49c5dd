import type { Command } from 'commander';

/** `queue status|add|remove|failed|retry` and `queue watch add|remove|status`: the repair jobs of a grid, and its files under watch. */
export function queueCommand(program: Command): void {
  const queue = program.command('queue').description('the queue of files that repairers check and repair');
  const command = (name: string, description: string) =>
    queue
      .command(name)
      .description(description)
      .requiredOption('--dir <dir>', 'the folder of a repairer, or of a lab')
      .option('--json', 'as JSON');

  command('status', 'show how many jobs there are, and what was done lately')
    .option('--watch', 'follow it until nothing is left to do')
    .action(async (options: { dir: string; watch?: true; json?: true }) => {
      await (await import('../queue/status.js')).showStatus(options);
    });

  command('add', 'ask for files to be checked and, where they need it, repaired')
    .argument('[capability...]', 'read or verify capabilities, or storage indexes')
    .option('--file <file>', 'a file that holds one a line, or - for standard input')
    .option('--verify', 'read every byte of the shares')
    .option('--now', 'do not wait for storage servers that are away and may come back')
    .option('--watch', 'put them under watch, too')
    .action(
      async (
        names: string[],
        options: { dir: string; file?: string; verify?: true; now?: true; watch?: true; json?: true },
      ) => {
        await (await import('../queue/add.js')).addToQueue(names, options);
      },
    );

  command('remove', 'take files from the queue that no repairer is working on')
    .argument('[capability...]', 'read or verify capabilities, or storage indexes')
    .option('--file <file>', 'a file that holds one a line, or - for standard input')
    .action(async (names: string[], options: { dir: string; file?: string; json?: true }) => {
      await (await import('../queue/remove.js')).removeFromQueue(names, options);
    });

  command('failed', 'show the jobs that have failed, and why')
    .option('--waiting', 'those instead that wait for servers, because too few shares are left')
    .action(async (options: { dir: string; waiting?: true; json?: true }) => {
      await (await import('../queue/failed.js')).showFailed(options);
    });

  command('retry', 'queue jobs again that have failed, or that wait for servers')
    .argument('[storage-index...]', 'of which files')
    .option('--all', 'all that have failed')
    .action(async (storageIndexes: string[], options: { dir: string; all?: true; json?: true }) => {
      await (await import('../queue/retry.js')).retryFailed(storageIndexes, options);
    });

  const watch = queue
    .command('watch')
    .description('files that are checked again and again, and repaired when they need it');
  const watchCommand = (name: string, description: string) =>
    watch
      .command(name)
      .description(description)
      .requiredOption('--dir <dir>', 'the folder of a repairer, or of a lab')
      .option('--json', 'as JSON');

  watchCommand('add', 'put files under watch')
    .argument('[capability...]', 'read or verify capabilities, or storage indexes')
    .option('--file <file>', 'a file that holds one a line, or - for standard input')
    .option('--account <name>', "the account whose manifest they belong to; nobody's where not given")
    .action(async (names: string[], options: WatchCommandOptions) => {
      await (await import('../queue/watch-files.js')).addToWatch(names, options);
    });

  watchCommand('remove', 'take files from a manifest; those in no other one are no longer under watch')
    .argument('[capability...]', 'read or verify capabilities, or storage indexes')
    .option('--file <file>', 'a file that holds one a line, or - for standard input')
    .option('--all', 'all that are in it')
    .option('--account <name>', "the account whose manifest it is; nobody's where not given")
    .action(async (names: string[], options: WatchCommandOptions) => {
      await (await import('../queue/watch-files.js')).removeFromWatch(names, options);
    });

  watchCommand(
    'status',
    'show how files under watch are doing, and what is thought of servers and the network',
  ).action(async (options: { dir: string; json?: true }) => {
    await (await import('../queue/watch-files.js')).showWatch(options);
  });
}

interface WatchCommandOptions {
  dir: string;
  file?: string;
  account?: string;
  all?: true;
  json?: true;
}
