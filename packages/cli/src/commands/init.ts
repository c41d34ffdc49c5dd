import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import {
  byteSizeArgument,
  hostPortArgument,
  hostPortArguments,
  sharesArgument,
  urlArgument,
} from '../arguments.js';
import { reachable } from '../nodes/reachable.js';

interface CommonOptions {
  readonly nickname?: string;
  readonly grid: string;
  readonly postgres: string;
  readonly nats: string;
  readonly natsCa?: string;
  readonly operator: string;
}

interface StorageOptions extends CommonOptions {
  readonly listen: string;
  readonly location?: string[];
  readonly reservedSpace: string;
}

interface BrokerOptions extends CommonOptions {
  readonly listen: string;
  readonly shares: { required: number; happy: number; total: number };
}

/** `init introducer|storage|broker|repairer DIR`: makes the folder that is the node. */
export function initCommand(program: Command): void {
  const init = program.command('init').description('make the folder of a new node');

  common(init, 'introducer', '127.0.0.1:7101').action(async (dir: string, options: CommonOptions) => {
    const { initialise } = await import('@holdfast/introducer');
    await initialise(dir, await nodeOptions(dir, options));
  });

  common(init, 'storage', '127.0.0.1:7102')
    .option('--listen <host:port>', 'where it serves shares', hostPortArgument, '127.0.0.1:7201')
    .option(
      '--location <host:port>',
      'where clients reach it; may be repeated (default: where it listens)',
      hostPortArguments,
    )
    .option('--reserved-space <size>', 'disk space to leave free', byteSizeArgument, '1GB')
    .action(async (dir: string, options: StorageOptions) => {
      const locations = options.location ?? [reachable(options.listen)];
      const { initialise } = await import('@holdfast/storage');
      const { listen, reservedSpace } = options;
      await initialise(dir, { ...(await nodeOptions(dir, options)), listen, locations, reservedSpace });
    });

  common(init, 'broker', '127.0.0.1:7103')
    .option('--listen <host:port>', 'where it serves the web API', hostPortArgument, '127.0.0.1:3456')
    .addOption(
      new Option('--shares <k,happy,n>', 'shares needed, servers that must hold some, shares made')
        .argParser(sharesArgument)
        .default({ required: 3, happy: 7, total: 10 }, '3,7,10'),
    )
    .action(async (dir: string, options: BrokerOptions) => {
      const { initialise } = await import('@holdfast/broker');
      await initialise(dir, {
        ...(await nodeOptions(dir, options)),
        listen: options.listen,
        shares: options.shares,
      });
    });

  common(init, 'repairer', '127.0.0.1:7104').action(async (dir: string, options: CommonOptions) => {
    const { initialise } = await import('@holdfast/repairer');
    await initialise(dir, await nodeOptions(dir, options));
  });
}

function common(init: Command, role: string, operator: string): Command {
  const postgres = urlArgument(
    '--postgres',
    ['postgres:', 'postgresql:'],
    'postgres://user@host:5432/database',
  );
  return init
    .command(role)
    .argument('<dir>', 'the folder to make')
    .option('--nickname <name>', "what people call it (default: the folder's name)")
    .option('--grid <name>', 'the grid that it belongs to', 'holdfast')
    .option('--postgres <url>', 'its database', postgres, 'postgres://127.0.0.1:5432/holdfast')
    .option(
      '--nats <url>',
      'its bus',
      urlArgument('--nats', ['nats:', 'tls:'], 'nats://host:4222'),
      'nats://127.0.0.1:4222',
    )
    .option('--nats-ca <file>', "the certificates to trust the bus by (default: the system's)")
    .option(
      '--operator <host:port>',
      'where it serves /healthz, /readyz and /metrics',
      hostPortArgument,
      operator,
    );
}

async function nodeOptions(dir: string, options: CommonOptions) {
  const { natsCa } = options;
  return {
    nickname: options.nickname ?? basename(resolve(dir)),
    grid: options.grid,
    postgres: options.postgres,
    bus: options.nats,
    ...(natsCa === undefined ? {} : { busCa: await readFile(natsCa, 'utf8') }),
    operator: options.operator,
  };
}
