import type { Command } from 'commander';

/** `run DIR`: runs a node in the foreground until SIGTERM. */
export function runCommand(program: Command): void {
  program
    .command('run')
    .description('run a node in the foreground')
    .argument('<dir>', "the node's folder")
    .action(async (dir: string) => {
      const { roleOfNode } = await import('../nodes/role.js');
      const { loadService } = await import('../nodes/services.js');
      const { run } = await loadService(await roleOfNode(dir));
      await run(dir);
    });
}
