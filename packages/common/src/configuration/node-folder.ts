import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { exists, syncFolder } from '../files/index.js';
import { NodeFolderExistsError } from './errors.js';

/** What a new node folder holds. File contents are complete, with their closing newline. */
export interface NodeFolderContents {
  /**
   * Files of the folder itself that are YAML, by name: `node.yaml` and, where the role has it, `connections.yaml`.
   * A string is written as it stands (a file with comments in it), anything else is made into YAML.
   */
  readonly yaml: Readonly<Record<string, unknown>>;
  /** Files of `private/`, by name. */
  readonly private: Readonly<Record<string, string>>;
}

/**
 * Makes a node's folder: readable files, and `private/` for its owner alone (0700, files 0600).
 * The folder appears whole or not at all, also where the machine loses its power, and is on the disk when this resolves:
 * clients remember a node by its key, of which there is no other copy yet.
 *
 * @throws NodeFolderExistsError where `dir` exists
 */
export async function createNodeFolder(dir: string, contents: NodeFolderContents): Promise<void> {
  const target = resolve(dir);
  if (await exists(target)) throw new NodeFolderExistsError(dir);
  const parent = dirname(target);
  const firstMade = await mkdir(parent, { recursive: true });
  const unfinished = `${target}.new-${process.pid}`;
  try {
    await mkdir(join(unfinished, 'private'), { recursive: true });
    await chmod(join(unfinished, 'private'), 0o700);
    for (const [name, value] of Object.entries(contents.yaml)) {
      const text = typeof value === 'string' ? value : stringify(value, { lineWidth: 0 });
      await writeFile(join(unfinished, name), text, { flush: true });
    }
    for (const [name, text] of Object.entries(contents.private)) {
      await writeFile(join(unfinished, 'private', name), text, { mode: 0o600, flush: true });
    }
    await syncFolder(join(unfinished, 'private'));
    await syncFolder(unfinished);
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw (await exists(target)) ? new NodeFolderExistsError(dir) : error;
  }
  // A folder that was made above it is in one that has to be synced for it.
  const last = firstMade === undefined ? parent : dirname(firstMade);
  for (let folder = parent; ; folder = dirname(folder)) {
    await syncFolder(folder);
    if (folder === last) return;
  }
}
