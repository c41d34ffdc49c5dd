/**
 * SQL that is true where a share's container is damaged at the server `$1`, and else null. Looked up share by share,
 * never planned as a hash of all that are damaged.
 *
 * @param share name of what has the share's `storage_index` and `share_number`
 */
export function damagedContainer(share: string): string {
  return `(select true from storage.damaged_shares as d where d.server = $1
             and d.storage_index = ${share}.storage_index and d.share_number = ${share}.share_number
             and d.part = 'container')`;
}
