import { stringify } from 'yaml';

/** Says nothing, and what could be said. */
const emptyConnections = `# Introducers that this node listens to, and storage servers that it is told of here. A change of this file is in
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
 * The `connections.yaml` of a new node.
 *
 * @param fields what it says beside `text`, by the names of its fields
 * @param text its text, in which none of these is; one that says nothing where not given
 */
export function newConnections(fields: Record<string, unknown>, text = emptyConnections): string {
  return Object.keys(fields).length === 0 ? text : `${text}${stringify(fields, { lineWidth: 0 })}`;
}
