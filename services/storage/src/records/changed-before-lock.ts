/**
 * SQL of an expression in a statement that locks rows of `storage.shares`: whether the row was changed between the
 * statement's beginning and its lock. The row is then seen as it is, but the leases on it as they were: whoever goes by
 * these has the statement run again (`storage.changed_meanwhile`).
 *
 * The statement's `$1` is the server's key.
 */
export const changedBeforeLock = `(
  shares.xmin <> (select seen.xmin from storage.shares as seen
                   where seen.server = $1 and seen.storage_index = shares.storage_index
                     and seen.share_number = shares.share_number))`;
