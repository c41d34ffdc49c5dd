/** Accounts by capability: the book of their secrets, their registration at servers, and what an operator does with them. */
export { AccountBook, type AccountBookOptions, type NewAccount } from './account-book.js';
export { setAccountQuota, setAccountState } from './account-changes.js';
export { AccountError, type AccountErrorCode } from './account-error.js';
export {
  type AccountSummary,
  type AccountUsage,
  listAccounts,
  type ServerUsage,
  showAccount,
} from './account-list.js';
export { type GrantedServer, grantServers } from './grant.js';
export { SecretSeal } from './secret-seal.js';
export { type KnownServer, knownServers } from './server-description.js';
export { type AccountSubjects, accountSubjects } from './subjects.js';
