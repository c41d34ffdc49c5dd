import type { ShareAddress } from '@holdfast/lafs';

/** Where a share is, as its row tells. */
export interface AddressRow {
  readonly storage_index: Buffer;
  readonly share_number: number;
}

export function toAddress(row: AddressRow): ShareAddress {
  return { storageIndex: row.storage_index, shareNumber: row.share_number };
}
