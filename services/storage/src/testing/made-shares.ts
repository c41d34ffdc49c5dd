import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeContainerHeader, encodeLeaseRecord, type ShareAddress, sharePath } from '@holdfast/lafs';

const secret = new Uint8Array(32);

/** Puts an immutable share where a server would, with leases of some owners. */
export function makeShare(
  folder: string,
  { storageIndex, shareNumber }: ShareAddress,
  data: Uint8Array,
  owners: readonly number[] = [0],
): void {
  const path = join(folder, sharePath(storageIndex, shareNumber));
  const leases = owners.map((owner) =>
    encodeLeaseRecord({ owner, renewSecret: secret, cancelSecret: secret, expiresAt: 1 }),
  );
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    Buffer.concat([
      encodeContainerHeader({ dataSize: data.length, leaseCount: owners.length }),
      data,
      ...leases,
    ]),
  );
}

/** The storage index of the `n`th of many made shares. */
export function madeIndex(n: number): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`made ${n}`).digest().subarray(0, 16));
}

/** Puts many shares of 100 bytes where a server would, each of a storage index of its own. */
export function makeShares(folder: string, count: number, owners: readonly number[] = [0]): void {
  const data = Buffer.alloc(100, 'made');
  for (let n = 0; n < count; n++)
    makeShare(folder, { storageIndex: madeIndex(n), shareNumber: 0 }, data, owners);
}
