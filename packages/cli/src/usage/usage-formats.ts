import type { Usage, UsageOfAccount } from '@holdfast/storage';
import { formatBytes } from '../format-bytes.js';
import { formatTable } from '../table.js';

/** What `holdfast usage` tells. Times in UTC. */
export interface UsageStatement {
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
  readonly accounts: readonly UsageOfAccount[];
}

/** For people: a block for each account. */
export function formatUsage({ from, to, accounts }: UsageStatement): string {
  const heading = ['byte-hours', 'of which open', 'bytes at the end', 'shares at the end'];
  const cells = (usage: Usage) => [
    formatByteHours(usage.byteHours),
    formatByteHours(Number(usage.openByteSeconds) / 3600),
    formatBytes(usage.bytes),
    String(usage.shares),
  ];
  const rows = accounts.flatMap((account) => [
    ...account.servers.map((server) => [
      account.account,
      server.nickname ?? server.serverId,
      ...cells(server),
    ]),
    [account.account, 'total', ...cells(account)],
  ]);
  return `${hour(from)} to ${hour(to)}\n${formatTable([['account', 'server', ...heading], ...rows])}`;
}

/** For spreadsheets (RFC 4180): a row for each account and server, and one called `total` for each account. */
export function usageCsv({ from, to, accounts }: UsageStatement): string {
  const heading =
    'account,server,nickname,from,to,byte_seconds,open_byte_seconds,byte_hours,bytes_at_end,shares_at_end';
  const row = (account: string, server: string, nickname: string, usage: Usage) =>
    [
      ...[account, server, nickname].map(quote),
      hour(from),
      hour(to),
      usage.byteSeconds,
      usage.openByteSeconds,
      usage.byteHours,
      usage.bytes,
      usage.shares,
    ].join(',');
  const rows = accounts.flatMap((account) => [
    ...account.servers.map((server) => row(account.account, server.serverId, server.nickname ?? '', server)),
    row(account.account, 'total', '', account),
  ]);
  return [heading, ...rows, ''].join('\r\n');
}

/** Quoted where it must be, and never taken for a formula. */
function quote(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function hour(time: Date): string {
  return time.toISOString().replace(/:00\.000Z$/, 'Z');
}

/** Byte-hours with a unit that a price may be per: `1.50 GB-hours`. */
function formatByteHours(byteHours: number): string {
  const units = ['byte', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const step = Math.min(units.length - 1, byteHours < 1_000 ? 0 : Math.floor(Math.log10(byteHours) / 3));
  return `${(byteHours / 1000 ** step).toFixed(2)} ${units[step]}-hours`;
}
