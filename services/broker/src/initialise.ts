import {
  accessFiles,
  createNodeFolder,
  type NodeOptions,
  nodeYamlFields,
} from '@holdfast/common/configuration';
import { newIdentityFiles, newSecretFile } from '@holdfast/common/identity';

/** What an operator tells `holdfast init broker`. */
export interface BrokerOptions extends NodeOptions {
  /** `HOST:PORT` of the web API. */
  readonly listen: string;
  /** The text of its `connections.yaml`; one that says nothing where not given. */
  readonly connections?: string;
  /** How new files are cut into shares; the peer's 3, 7, 10 where nothing is said. */
  readonly shares?: { readonly required: number; readonly happy: number; readonly total: number };
}

const emptyConnections = `# Introducers that this broker listens to, and storage servers that it is told of here. A change of this file is in
# force at once; docs/operating.md says more.
#
# connection_types says how addresses of each type are reached: tcp, socks5, tor, i2p or disabled. It holds for every
# introducer and server that has none of its own.
#
# connection_types:
#   tcp: { handler: tcp }
#   tor: { handler: tor, parameters: { endpoint: "tcp:127.0.0.1:9050" } }
#
# Without the field, the introducer is the one on the bus of node.yaml; {} is none at all.
# introducers:
#   rack: { url: "nats://10.0.0.2:4222" }
#   far: { url: "tls://broker1@nats.example.org:4222" }   # password in private/introducer-far.password
#
# A clause under the id of a server that announces itself replaces what it announces.
# servers:
#   v0-<the server's public key>:
#     server_options:
#       announcement:
#         nickname: s1
#         anonymous-storage-NURLs: ["pb://<key hash>@10.0.0.5:7201/<swissnum>#v=1"]
#         anonymous-storage-FURL: "pb://<tub id>@tcp:10.0.0.5:7201/<swissnum>"
#         permutation-seed-base32: <seed, where the server has one of its own>
servers: {}
`;

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
        spool: 'spool',
        limits: { upload_size: '1TB', uploads: 64, downloads: 256, memory: '40MiB' },
      },
      'connections.yaml': options.connections ?? emptyConnections,
    },
    private: {
      ...(await newIdentityFiles()),
      convergence: newSecretFile(),
      secret: newSecretFile(),
      ...accessFiles(options),
    },
  });
}
