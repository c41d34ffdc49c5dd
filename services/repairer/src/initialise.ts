import {
  accessFiles,
  createNodeFolder,
  type NodeOptions,
  nodeYamlFields,
  reachingFields,
} from '@holdfast/common/configuration';
import { newIdentityFiles, newSecretFile } from '@holdfast/common/identity';
import { newConnections } from '@holdfast/membership';

/** What a new repairer is made with. */
export interface RepairerOptions extends NodeOptions {
  /** Public keys of grid managers, `pub-v0-…`, by name: shares are placed on servers that one of them vouches for. */
  readonly gridManagers?: Readonly<Record<string, string>>;
}

/**
 * Makes the folder of a new repairer: settings, an empty `connections.yaml`, and in `private/` its identity and its
 * lease secret, in the peer's file format.
 *
 * @throws NodeFolderExistsError
 */
export async function initialise(dir: string, options: RepairerOptions): Promise<void> {
  await createNodeFolder(dir, {
    yaml: {
      'node.yaml': {
        ...nodeYamlFields('repairer', options),
        ...(options.gridManagers === undefined ? {} : { grid_managers: options.gridManagers }),
        limits: { jobs: 16, requests_per_server: 8, memory: '64MiB', attempts: 5 },
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
