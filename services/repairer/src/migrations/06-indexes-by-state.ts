import type { Migration } from '@holdfast/common/database';

/**
 * While Postgres has no statistics, any index that begins with the grid looks as good to it for finding one job as the key
 * is, and the newest was used: each claim read all jobs of the grid.
 */
export const indexesByState: Migration = {
  number: 6,
  name: 'no index but the key begins with the grid for all jobs',
  breaking: false,
  sql: `
    create index jobs_of_state on jobs (state, grid, ended_at, storage_index);
    drop index jobs_by_state;
    create index jobs_of_spare_shares on jobs (spare_shares, grid);
    drop index jobs_by_spare_shares;
  `,
};
