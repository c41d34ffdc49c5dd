import {
  accessFiles,
  createNodeFolder,
  type NodeOptions,
  nodeYamlFields,
  reachingFields,
} from '@holdfast/common/configuration';
import { newIdentityFiles, newSecretFile } from '@holdfast/common/identity';
import { newConnections } from '@holdfast/membership';

/**
 * Makes the folder of a new repairer: settings, an empty `connections.yaml`, and in `private/` its identity and its
 * lease secret, in the peer's file format.
 *
 * @throws NodeFolderExistsError
 */
export async function initialise(dir: string, options: NodeOptions): Promise<void> {
  await createNodeFolder(dir, {
    yaml: {
      'node.yaml': {
        ...nodeYamlFields('repairer', options),
        limits: { jobs: 8, requests_per_server: 8, memory: '64MiB', attempts: 5 },
        spool: { path: 'spool', stable_for: '10s' },
      },
      'connections.yaml': newConnections(reachingFields(options)),
    },
    private: {
      ...(await newIdentityFiles()),
      secret: newSecretFile(),
      ...accessFiles(options),
    },
  });
}
