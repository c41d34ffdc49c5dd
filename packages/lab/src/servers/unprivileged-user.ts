import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** A user of the system, by number. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

const nobody: User = { uid: 65534, gid: 65534 };

/**
 * The user that Postgres must run as, because it refuses root: `postgres` where there is one, else nobody.
 *
 * @returns undefined where we are not root: then it runs as ourselves
 */
export function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  try {
    return { uid: idOf('-u'), gid: idOf('-g') };
  } catch {
    return nobody;
  }
}

function idOf(flag: '-u' | '-g'): number {
  return Number(
    execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  );
}

/** Whether a user may pass through every folder down to and including `folder`. */
export async function canReach(folder: string, user: User): Promise<boolean> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const { mode, uid, gid } = await stat(at);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
