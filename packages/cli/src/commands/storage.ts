import { type Command, Option } from 'commander';
import { leaseDurationArgument } from '../arguments.js';
import { UsageError } from '../exit-status.js';

/** `storage …`: what the operator of a storage server does with its shares. */
export function storageCommand(program: Command): void {
  const storage = program.command('storage').description('the shares of a storage server');
  damagedCommand(storage);
  scrubCommand(storage);
  recoverCommand(storage);
  collectCommand(storage);
  leaseDurationCommand(storage);
  drainCommand(storage);
}

const dirOption = ['--dir <dir>', 'the folder of a storage server or a lab'] as const;

function damagedCommand(storage: Command): void {
  storage
    .command('damaged')
    .description('show the damaged shares, which are kept apart; release those that were mended')
    .requiredOption(...dirOption)
    .option('--release <share>', 'serve STORAGE-INDEX/NUMBER, or all, again')
    .option('--json', 'as JSON')
    .action(async (options: { dir: string; release?: string; json?: true }) => {
      const { listDamaged, releaseDamaged } = await import('../storage/damaged.js');
      const text =
        options.release === undefined
          ? await listDamaged(options.dir, options)
          : await releaseDamaged(options.dir, options.release, options);
      process.stdout.write(text);
    });
}

function scrubCommand(storage: Command): void {
  storage
    .command('scrub')
    .description('show how far the scrub is, which reads every share')
    .requiredOption(...dirOption)
    .option('--json', 'as JSON')
    .action(async (options: { dir: string; json?: true }) => {
      const { scrubStatus } = await import('../storage/scrub.js');
      process.stdout.write(await scrubStatus(options.dir, options));
    });
}

function recoverCommand(storage: Command): void {
  storage
    .command('recover')
    .description('make the records of shares and leases again from the shares on the disk')
    .argument('[dir]', dirOption[1])
    .option(...dirOption)
    .option('--json', 'as JSON')
    .action(async (argument: string | undefined, options: { dir?: string; json?: boolean }) => {
      const { dir = argument, json = false } = options;
      if (dir === undefined) throw new UsageError('expected the folder of a storage server or a lab');
      const { recoverRecords } = await import('../storage/recover-records.js');
      process.stdout.write(await recoverRecords(dir, json));
    });
}

function collectCommand(storage: Command): void {
  storage
    .command('collect')
    .description('end leases that have run out, and remove shares that nobody has a lease on any more')
    .requiredOption(...dirOption)
    .option('--dry-run', 'show what would go and how much that frees, and change nothing')
    .option('--json', 'as JSON')
    .action(async ({ dir, dryRun, json = false }: { dir: string; dryRun?: true; json?: boolean }) => {
      const { collectShares, showCollectable } = await import('../storage/collect-shares.js');
      const print = (text: string) => process.stdout.write(text);
      if (dryRun) print(await showCollectable(dir, json));
      else await collectShares(dir, json, print);
    });
}

function leaseDurationCommand(storage: Command): void {
  storage
    .command('lease-duration')
    .description('show or set how long leases last at all servers of the database')
    .argument('[duration]', 'such as 60d, or none: as each server is configured', leaseDurationArgument)
    .requiredOption(...dirOption)
    .option('--json', 'as JSON')
    .action(async (duration: string | undefined, { dir, json = false }: { dir: string; json?: boolean }) => {
      const { changeLeaseDuration, showLeaseDuration } = await import('../storage/lease-duration.js');
      const text =
        duration === undefined
          ? await showLeaseDuration(dir, json)
          : await changeLeaseDuration(dir, duration, json);
      process.stdout.write(text);
    });
}

interface DrainCommandOptions {
  readonly dir: string;
  readonly cancel?: true;
  readonly status?: true;
  readonly watch?: true;
  readonly json?: true;
}

function drainCommand(storage: Command): void {
  storage
    .command('drain')
    .description(
      'take a storage server away: it takes no new shares, and repairers put what it has elsewhere',
    )
    .argument('<server>', 'its id, or its nickname')
    .requiredOption('--dir <dir>', 'the folder of any storage server of the database, or of a lab')
    .addOption(new Option('--cancel', 'let it stay after all').conflicts(['status', 'watch']))
    .addOption(new Option('--status', 'show how far it is emptied, and change nothing').conflicts('watch'))
    .option('--watch', 'wait until it is emptied, and show how far that is')
    .option('--json', 'as JSON')
    .action(async (server: string, options: DrainCommandOptions) => {
      const { drainStatus, markDrain, watchDrain } = await import('../storage/drain.js');
      if (options.status) return void process.stdout.write(await drainStatus(server, options));
      const marked = await markDrain(server, options);
      process.stdout.write(options.watch ? await watchDrain(server, options) : marked);
    });
}
