import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '@holdfast/common/files';
import type { GrantedServer } from '@holdfast/storage';
import { connectionsYaml, tahoeServersYaml } from '../announcements/formats.js';

/** A file of a grant is there already: it may be the only copy of what another customer was given. */
export class GrantExistsError extends Error {
  override readonly name = 'GrantExistsError';
  readonly code = 'grant-exists';

  constructor(readonly path: string) {
    super(`${path} exists already; nothing was written`);
  }
}

/**
 * Writes what a customer is given: `connections.yaml` for a Holdfast broker, and `servers.yaml` for the `private/` of
 * a Tahoe-LAFS client. Both let their reader use the account, so only the owner of the files can read them.
 *
 * @returns the paths
 * @throws GrantExistsError where one of them is there; neither is written then
 */
export async function writeGrant(
  folder: string,
  account: string,
  servers: readonly GrantedServer[],
): Promise<string[]> {
  const comment = `# The storage servers for account ${account}. Whoever can read this file can use the account.\n`;
  const contents = {
    'connections.yaml': connectionsYaml(servers),
    'servers.yaml': tahoeServersYaml(servers),
  };
  const files = Object.entries(contents).map(([name, text]) => ({
    path: join(folder, name),
    text: comment + text,
  }));
  for (const { path } of files) if (await exists(path)) throw new GrantExistsError(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const written: string[] = [];
  try {
    for (const { path, text } of files) {
      await writeFile(path, text, { mode: 0o600, flag: 'wx' });
      written.push(path);
    }
  } catch (error) {
    for (const path of written) await rm(path);
    const { code, path } = error as NodeJS.ErrnoException;
    throw code === 'EEXIST' ? new GrantExistsError(path ?? folder) : error;
  }
  return written;
}
