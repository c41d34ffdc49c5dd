import {
  accessFiles,
  createNodeFolder,
  type NodeOptions,
  nodeYamlFields,
  reachingFields,
} from '@holdfast/common/configuration';
import { newIdentityFiles, newSecretFile } from '@holdfast/common/identity';

/** The file of `private/` with the anonymous account's credential, which ends the announced address. */
export const anonymousCredentialFile = 'anonymous-credential';

/** What an operator tells `holdfast init storage`. */
export interface StorageOptions extends NodeOptions {
  /** `HOST:PORT` to serve at. */
  readonly listen: string;
  /** `HOST:PORT` of each place where clients are told to find it. */
  readonly locations: readonly string[];
  /** Space that is never promised, such as `1GB`. */
  readonly reservedSpace?: string;
}

/**
 * Makes a storage server's folder: `holdfast init storage`.
 *
 * @throws NodeFolderExistsError
 */
export async function initialise(dir: string, options: StorageOptions): Promise<void> {
  await createNodeFolder(dir, {
    yaml: {
      'node.yaml': {
        ...nodeYamlFields('storage', options),
        ...reachingFields(options),
        listen: options.listen,
        locations: options.locations,
        shares: { path: 'shares', reserved_space: options.reservedSpace ?? '1GB' },
        anonymous_account: { enabled: true },
        leases: { duration: '31d' },
      },
    },
    private: {
      ...(await newIdentityFiles()),
      [anonymousCredentialFile]: newSecretFile(),
      ...accessFiles(options),
    },
  });
}
