import {
  accessFiles,
  createNodeFolder,
  type NodeOptions,
  nodeYamlFields,
  reachingFields,
} from '@holdfast/common/configuration';
import { newIdentityFiles, newSecretFile } from '@holdfast/common/identity';
import { newConnections } from '@holdfast/membership';

/** What an operator tells `holdfast init broker`. */
export interface BrokerOptions extends NodeOptions {
  /** `HOST:PORT` of the web API. */
  readonly listen: string;
  /** The text of its `connections.yaml` but for how others are reached; one that says nothing where not given. */
  readonly connections?: string;
  /** Public keys of grid managers, `pub-v0-…`, by name. */
  readonly gridManagers?: Readonly<Record<string, string>>;
  /** How new files are cut into shares; the peer's 3, 7, 10 where nothing is said. */
  readonly shares?: { readonly required: number; readonly happy: number; readonly total: number };
}

/**
 * Makes the folder of a new broker: settings, an empty `connections.yaml`, and in `private/` its identity, its
 * convergence secret and its lease secret, both in the peer's file format.
 *
 * @throws NodeFolderExistsError
 */
export async function initialise(dir: string, options: BrokerOptions): Promise<void> {
  const { required, happy, total } = options.shares ?? { required: 3, happy: 7, total: 10 };
  await createNodeFolder(dir, {
    yaml: {
      'node.yaml': {
        ...nodeYamlFields('broker', options),
        listen: options.listen,
        encoding: { required, happy, total, maximum_segment_size: '1MiB' },
        ...(options.gridManagers === undefined ? {} : { grid_managers: options.gridManagers }),
        spool: 'spool',
        limits: { upload_size: '1TB', uploads: 64, downloads: 256, memory: '40MiB' },
      },
      'connections.yaml': newConnections(reachingFields(options), options.connections),
    },
    private: {
      ...(await newIdentityFiles()),
      convergence: newSecretFile(),
      secret: newSecretFile(),
      ...accessFiles(options),
    },
  });
}
