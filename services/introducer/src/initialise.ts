import {
  accessFiles,
  createNodeFolder,
  type NodeOptions,
  nodeYamlFields,
} from '@holdfast/common/configuration';
import { newIdentityFiles } from '@holdfast/common/identity';

/**
 * Makes an introducer's folder: `holdfast init introducer`.
 *
 * @throws NodeFolderExistsError
 */
export async function initialise(dir: string, options: NodeOptions): Promise<void> {
  await createNodeFolder(dir, {
    yaml: { 'node.yaml': nodeYamlFields('introducer', options) },
    private: { ...(await newIdentityFiles()), ...accessFiles(options) },
  });
}
