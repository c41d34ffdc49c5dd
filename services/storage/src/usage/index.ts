/** What accounts use: running totals, the ledger of full hours, quotas. */
export {
  type Usage,
  type UsageAtServer,
  type UsageOfAccount,
  type UsagePeriod,
  usageReport,
} from './usage-report.js';
