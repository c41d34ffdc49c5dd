import type { LeaseKeeping } from '../../leases/lease-keeping.js';
import { StorageError } from '../../storage-error.js';
import { answerEmpty, type Handler } from '../exchange.js';

/** `PUT /storage/v1/lease/:storage_index`: gives the client's account a lease on all shares there, from now on. */
export function renewLease({ leases }: { leases: LeaseKeeping }): Handler<'renewLease'> {
  return async ({ response, account }, { storageIndex }) => {
    if (!(await leases.renew(storageIndex, account.key))) {
      throw new StorageError('no-such-share', 'there are no shares of this storage index here');
    }
    answerEmpty(response, 204);
  };
}
