import { resolve } from 'node:path';
import type { Command } from 'commander';
import { countArgument, countOrNoneArgument, sharesArgument } from '../arguments.js';
import type { LabUpOptions } from '../lab/up.js';

const usualDir = '.lab';

/** `lab up|down|status|stop|start`: a whole grid on this machine. */
export function labCommand(program: Command): void {
  const lab = program.command('lab').description('a whole grid of real processes on this machine');
  const command = (name: string, description: string) =>
    lab.command(name).description(description).option('--dir <dir>', "the lab's folder", usualDir);

  command('up', 'start it, and make it first where there is none; Ctrl-C ends it')
    .option('--storage <n>', 'storage servers of a new lab (default: 5)', countArgument(100))
    .option('--brokers <n>', 'brokers of a new lab (default: 1)', countArgument(20))
    .option('--repairers <n>', 'repairers of a new lab (default: 2)', countOrNoneArgument(50))
    .option('--shares <k,happy,n>', 'shares needed, servers that must hold some, shares made', sharesArgument)
    .option('--detach', 'leave it running in the background')
    .action(async ({ dir, ...options }: LabUpOptions & { detach?: true }) => {
      const lab = await import('../lab/up.js');
      if (options.detach)
        await (await import('../lab/detach.js')).detachLab({ dir: resolve(dir), ...options });
      else await lab.runLab({ dir: resolve(dir), ...options });
    });

  command('down', 'end it; its folder stays for the next start').action(async ({ dir }: { dir: string }) => {
    const { endLab } = await import('@holdfast/lab');
    const ended = await endLab(resolve(dir));
    process.stdout.write(ended ? 'The lab has ended.\n' : 'The lab was not running.\n');
  });

  command('status', 'show who runs')
    .option('--json', 'as JSON')
    .action(async ({ dir, json }: { dir: string; json?: true }) => {
      const { labStatus } = await import('@holdfast/lab');
      const status = await labStatus(resolve(dir));
      if (json) return void process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
      process.stdout.write(`${status.dir}: ${status.state}\n`);
      for (const { nickname, role, pid, url } of status.processes) {
        const state = pid === null ? 'stopped' : `process ${pid}`;
        process.stdout.write(`  ${nickname.padEnd(12)} ${role.padEnd(12)} ${url.padEnd(18)} ${state}\n`);
      }
    });

  command('stop', 'stop one of its processes')
    .argument('<nickname>', 'such as s1')
    .action(async (nickname: string, { dir }: { dir: string }) => {
      const { stopInLab } = await import('@holdfast/lab');
      await stopInLab(resolve(dir), nickname);
      process.stdout.write(`${nickname} has stopped.\n`);
    });

  command('start', 'start a stopped process again')
    .argument('<nickname>', 'such as s1')
    .action(async (nickname: string, { dir }: { dir: string }) => {
      const { startInLab } = await import('@holdfast/lab');
      await startInLab(resolve(dir), nickname);
      process.stdout.write(`${nickname} runs.\n`);
    });
}
