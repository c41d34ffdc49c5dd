import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, type Place, type PlacingFailure, removeFile } from './place-batch.js';

/**
 * Removes shares, and the folders of storage indexes that this leaves empty. A share that is not there is removed
 * already. Where others remove from the same folder at the same time, whoever is last removes it. Nothing is synced: a
 * removed share may be there again after the machine has crashed.
 *
 * @returns for each why it is still there; undefined where it is not
 */
export function removeBatch(batch: readonly Place[]): (PlacingFailure | undefined)[] {
  const failures = batch.map(({ folder, name }) => attempt(() => removeFile(join(folder, name))));
  for (const folder of new Set(batch.map((place) => place.folder))) {
    // Fails where shares are left in it, or where somebody else was first.
    attempt(() => rmdirSync(folder));
  }
  return failures;
}
