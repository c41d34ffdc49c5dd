import { usageReport } from '@holdfast/storage';
import { UsageError } from '../exit-status.js';
import { withStorageNode } from '../nodes/storage-node.js';
import { endOfHour, startOfMonth } from './usage-arguments.js';
import { formatUsage, usageCsv } from './usage-formats.js';

/** What `holdfast usage` was asked. */
export interface UsageOptions {
  /** The folder of a storage server or of a lab. */
  readonly dir: string;
  readonly account?: string;
  readonly from?: Date;
  readonly to?: Date;
  readonly json?: true;
  readonly csv?: true;
}

/** @throws AccountError `no-such-account`; UsageError where the period is empty */
export async function reportUsage({ dir, account, json, csv, ...period }: UsageOptions): Promise<void> {
  const now = new Date();
  const to = period.to ?? endOfHour(now);
  const from = period.from ?? startOfMonth(period.to ? new Date(to.getTime() - 1) : now);
  if (from >= to) throw new UsageError('--from must be before --to');
  const accounts = await withStorageNode(dir, 'holdfast usage', ({ database }) =>
    usageReport(database, { from, to, account }),
  );
  const statement = { from, to, accounts };
  if (json) process.stdout.write(`${JSON.stringify(statement, undefined, 2)}\n`);
  else process.stdout.write(csv ? usageCsv(statement) : formatUsage(statement));
}
