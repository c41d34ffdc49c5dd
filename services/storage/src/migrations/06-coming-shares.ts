import type { Migration } from '@holdfast/common/database';

export const comingShares: Migration = {
  number: 6,
  name: 'an index of coming shares',
  breaking: false,
  // As that of going shares: every start looks for what the last run left, and else reads all shares of its server for it.
  sql: `
    create index shares_coming on shares (server, storage_index, share_number) where state = 'coming';
  `,
};
