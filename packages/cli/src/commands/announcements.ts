import { type Command, Option } from 'commander';
import type { AnnouncementFormat } from '../announcements/formats.js';

/** `announcements list|export`: the servers that an introducer or a broker knows of. */
export function announcementsCommand(program: Command): void {
  const announcements = program
    .command('announcements')
    .description('the storage servers that an introducer, a broker or a lab knows of');
  const command = (name: string, description: string) =>
    announcements
      .command(name)
      .description(description)
      .requiredOption('--dir <dir>', 'the folder of an introducer, a broker or a lab');

  command('list', 'show them')
    .option('--json', 'as JSON')
    .action(async ({ dir, json }: { dir: string; json?: true }) => {
      const { knownAnnouncements } = await import('../announcements/known.js');
      const { formatAnnouncements, listAnnouncements } = await import('../announcements/formats.js');
      const known = await knownAnnouncements(dir);
      process.stdout.write(json ? formatAnnouncements(known, 'json') : listAnnouncements(known));
    });

  command('export', 'write them as clauses for a broker, or as the servers.yaml of a Tahoe-LAFS client')
    .addOption(
      new Option('--format <format>', 'the format').choices(['yaml', 'tahoe', 'json']).default('yaml'),
    )
    .addOption(new Option('--json', 'the same as --format json').implies({ format: 'json' }))
    .action(async ({ dir, format }: { dir: string; format: AnnouncementFormat }) => {
      const { knownAnnouncements } = await import('../announcements/known.js');
      const { formatAnnouncements } = await import('../announcements/formats.js');
      process.stdout.write(formatAnnouncements(await knownAnnouncements(dir), format));
    });
}
