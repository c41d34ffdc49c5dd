import type { Subject } from '@holdfast/common/bus';
import * as z from 'zod';

const nothing = z.strictObject({});

/** What is said about accounts, and servers that leave, on the bus of one grid: that something changed, not what. */
export interface AccountSubjects {
  /** Anyone to all storage servers: look into the database again. */
  readonly changed: Subject<z.infer<typeof nothing>>;
}

export function accountSubjects(grid: string): AccountSubjects {
  return { changed: { name: `holdfast.${grid}.accounts.changed`, schema: nothing } };
}
