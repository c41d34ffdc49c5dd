import type { AccountSummary, AccountUsage, ServerUsage } from '@holdfast/storage';
import { formatBytes } from '../format-bytes.js';
import { formatDuration } from '../format-duration.js';
import { formatTable } from '../table.js';

/** For people: one line for each account. */
export function formatAccounts(accounts: readonly AccountSummary[]): string {
  return formatTable([
    ['name', 'state', 'quota', 'holds', 'shares', 'promised', 'leases'],
    ...accounts.map((account) => [
      account.name,
      account.repairer ? `${account.state}, repairer` : account.state,
      formatQuota(account),
      formatBytes(account.bytes),
      String(account.shares),
      formatBytes(account.promised),
      formatLeases(account),
    ]),
  ]);
}

/** For people: one account, and what it holds at each server. */
export function formatAccount(
  account: AccountSummary & { readonly servers: readonly ServerUsage[] },
): string {
  const fields = formatTable([
    ['name', account.name],
    ['state', account.state],
    ...(account.repairer ? [['use', 'for repairers: who keeps a file gets the leases']] : []),
    ['quota', formatQuota(account)],
    ['leases', formatLeases(account)],
    ['holds', formatHoldings(account)],
    ['created', account.createdAt.toISOString()],
    ['secret', account.keeper === null ? 'none' : `in the account book of ${account.keeper}`],
  ]);
  const servers = account.servers.map((server) => [
    `  ${server.nickname ?? '(has not run yet)'}`,
    server.serverId,
    server.registered ? formatHoldings(server) : `${formatHoldings(server)}; not registered there`,
  ]);
  return `${fields}servers\n${formatTable(servers)}`;
}

function formatQuota({ quota }: AccountSummary): string {
  return quota === null ? 'none' : formatBytes(quota);
}

function formatLeases({ leaseSeconds }: AccountSummary): string {
  if (leaseSeconds === null) return 'as configured';
  return formatDuration(leaseSeconds);
}

function formatHoldings({ bytes, shares, promised }: AccountUsage): string {
  return `${formatBytes(bytes)} in ${shares} shares, ${formatBytes(promised)} promised`;
}
