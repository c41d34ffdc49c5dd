import { access, chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
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
 * The folder appears whole or not at all.
 *
 * @throws NodeFolderExistsError where `dir` exists
 */
export async function createNodeFolder(dir: string, contents: NodeFolderContents): Promise<void> {
  const target = resolve(dir);
  if (await exists(target)) throw new NodeFolderExistsError(dir);
  await mkdir(dirname(target), { recursive: true });
  const unfinished = `${target}.new-${process.pid}`;
  try {
    await mkdir(join(unfinished, 'private'), { recursive: true });
    await chmod(join(unfinished, 'private'), 0o700);
    for (const [name, value] of Object.entries(contents.yaml)) {
      const text = typeof value === 'string' ? value : stringify(value, { lineWidth: 0 });
      await writeFile(join(unfinished, name), text);
    }
    for (const [name, text] of Object.entries(contents.private)) {
      await writeFile(join(unfinished, 'private', name), text, { mode: 0o600 });
    }
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw (await exists(target)) ? new NodeFolderExistsError(dir) : error;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
