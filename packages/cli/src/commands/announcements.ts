import { type Command, Option } from 'commander';
import type { AnnouncementFormat } from '../announcements/formats.js';

/** `announcements list|export|forget`: the servers that an introducer or a broker knows of. */
export function announcementsCommand(program: Command): void {
  const announcements = program
    .command('announcements')
    .description('the storage servers that an introducer, a broker or a lab knows of');
  const command = (name: string, description: string) =>
    announcements
      .command(name)
      .description(description)
      .requiredOption(
        '--dir <dir>',
        'the folder of an introducer, a broker or a repairer, or of a lab (its introducer)',
      );

  command('list', 'show them')
    .option('--json', 'as JSON')
    .action(async ({ dir, json }: { dir: string; json?: true }) => {
      const { withAnnouncements } = await import('../announcements/known.js');
      const { formatAnnouncements, listAnnouncements } = await import('../announcements/formats.js');
      const known = await withAnnouncements(dir, (node) => node.known());
      process.stdout.write(json ? formatAnnouncements(known, 'json') : listAnnouncements(known));
    });

  command('export', 'write them as clauses for a broker, or as the servers.yaml of a Tahoe-LAFS client')
    .addOption(
      new Option('--format <format>', 'the format').choices(['yaml', 'tahoe', 'json']).default('yaml'),
    )
    .addOption(new Option('--json', 'the same as --format json').implies({ format: 'json' }))
    .action(async ({ dir, format }: { dir: string; format: AnnouncementFormat }) => {
      const { withAnnouncements } = await import('../announcements/known.js');
      const { formatAnnouncements } = await import('../announcements/formats.js');
      process.stdout.write(formatAnnouncements(await withAnnouncements(dir, (node) => node.known()), format));
    });

  command(
    'forget',
    'forget a server that is gone; one that is still there comes back when it announces itself',
  )
    .argument('<id>', 'its id, v0-…')
    .option('--json', 'as JSON')
    .action(async (id: string, { dir, json }: { dir: string; json?: true }) => {
      const { UnknownServerError, withAnnouncements } = await import('../announcements/known.js');
      if (!(await withAnnouncements(dir, (node) => node.forget(id)))) throw new UnknownServerError(id);
      process.stdout.write(json ? `${JSON.stringify({ forgotten: id })}\n` : `Forgot ${id}.\n`);
    });
}
