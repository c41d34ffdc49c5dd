import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { hostPortArgument, hostPortArguments, sharesArgument, urlArgument } from '../arguments.js';
import type { JoinOptions } from '../invitations/make-node.js';
import { reachable } from '../nodes/reachable.js';

interface CommandOptions extends JoinOptions {
  readonly proxy?: string[];
  readonly json?: true;
}

/** `join CODE DIR`: makes the folder of a new node from an invitation. */
export function joinCommand(program: Command): void {
  program
    .command('join')
    .description('make the folder of a new node from an invitation')
    .argument('<invitation>', 'the code that `holdfast invite` printed, or the file that it wrote')
    .argument('<dir>', 'the folder to make')
    .option('--nickname <name>', "what people call it (default: the folder's name)")
    .option(
      '--postgres <url>',
      'its database',
      urlArgument('--postgres', ['postgres:', 'postgresql:'], 'postgres://user@host:5432/database'),
      'postgres://127.0.0.1:5432/holdfast',
    )
    .option(
      '--listen <host:port>',
      'where it serves shares, or the web API (default: as for init)',
      hostPortArgument,
    )
    .option(
      '--location <host:port>',
      'where clients reach a storage server; may be repeated (default: where it listens)',
      hostPortArguments,
    )
    .addOption(
      new Option(
        '--shares <k,happy,n>',
        'of a broker: shares needed, servers that must hold some, shares made',
      ).argParser(sharesArgument),
    )
    .option('--operator <host:port>', 'where it serves /healthz, /readyz and /metrics', hostPortArgument)
    .option(
      '--proxy <handler[=endpoint]>',
      'go out through this proxy only, now and when the node runs: tor, tor=unix:/path, socks5=tcp:host:port, i2p; may be repeated',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option(
      '--anonymous',
      'make no direct connection and look up no name, neither now nor when the node runs',
    )
    .option('--json', 'as JSON')
    .action(async (invitation: string, dir: string, options: CommandOptions) => {
      const { readWaysOut } = await import('../invitations/ways-out.js');
      // Before the invitation is used up.
      const { anonymous, connectionTypes, written } = readWaysOut(options);
      if (options.listen !== undefined && options.location === undefined && !options.anonymous)
        reachable(options.listen);
      const nickname = options.nickname ?? basename(resolve(dir));
      const { useInvitation } = await import('../invitations/join.js');
      const { makeInvitedNode } = await import('../invitations/make-node.js');
      const settings = await useInvitation(invitation, { dir, nickname, anonymous, connectionTypes });
      await makeInvitedNode(dir, settings, {
        ...options,
        nickname,
        ...(written === undefined ? {} : { connectionTypes: written }),
      });
      if (options.json) {
        process.stdout.write(`${JSON.stringify({ role: settings.role, nickname, dir })}\n`);
        return;
      }
      process.stdout.write(`Made the ${settings.role} ${nickname} in ${dir}: bin/holdfast run ${dir}\n`);
      if (settings.role === 'storage' && anonymous && options.location === undefined)
        process.stdout.write('Before it runs, name its .onion or .i2p address in locations: of node.yaml.\n');
    });
}
