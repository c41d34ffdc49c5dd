import { join } from 'node:path';
import { readYamlConfiguration } from '@holdfast/common/configuration';
import { connectionTypes, refuseDirect, refuseNamedProxies } from '@holdfast/common/connections';
import { gridManagerCertificate, mostCertificates } from '@holdfast/common/grid-management';
import { introducersSetting, refuseNamedIntroducerProxies } from '@holdfast/common/introducers';
import { parseFurl, parseNurl } from '@holdfast/lafs';
import * as z from 'zod';

const serverIdForm = 'expected a server id: v0- and 52 characters of a-z and 2-7';
const serverId = z.string().regex(/^v0-[a-z2-7]{52}$/, serverIdForm);

/** An address in a form that `parse` reads. Its last part is a secret, so an error does not show it. */
const address = (parse: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    try {
      parse(text);
    } catch (error) {
      // Without `input`, or the reader of the file would quote it.
      context.addIssue({ code: 'custom', message: (error as Error).message, input: undefined });
    }
  });

/**
 * What the server would announce; of a server that does announce itself, only what is to be otherwise. Fields beyond
 * those used are kept out of it but allowed: it may be a copy.
 */
const announcement = z.looseObject({
  nickname: z.string().max(400).optional(),
  'anonymous-storage-NURLs': z.array(address(parseNurl)).min(1).max(32),
  'anonymous-storage-FURL': address(parseFurl).optional(),
  'permutation-seed-base32': z
    .string()
    .regex(/^[a-z2-7]{1,104}$/)
    .optional(),
  'grid-manager-certificates': z.array(gridManagerCertificate).max(mostCertificates).optional(),
  /** Whether it is being taken away: it is read from, and gets no shares. */
  leaving: z.boolean().optional(),
  'my-version': z.string().max(200).optional(),
});

/**
 * The `connections.yaml` of a node that uses a grid: the introducers that it listens to, and servers that the operator
 * names instead of, or beside, those that announce themselves.
 */
export const connectionsConfiguration = z.strictObject({
  introducers: introducersSetting,
  /** What holds for every introducer and server that has no map of its own. */
  connection_types: connectionTypes.optional(),
  servers: z
    .record(
      serverId,
      z.strictObject({
        server_options: z.strictObject({ key_s: serverId.optional(), announcement }),
        connection_types: connectionTypes.optional(),
      }),
      { error: ({ code }) => (code === 'invalid_key' ? serverIdForm : undefined) },
    )
    .nullish()
    .transform((servers) => servers ?? {}),
});

/** As an anonymous node takes it: without a map for all, there is no way to anything that has none of its own. */
const anonymousConnectionsConfiguration = connectionsConfiguration
  .superRefine(({ connection_types: forAll, introducers, servers }, context) => {
    const refuse = (path: PropertyKey[], expected: string) =>
      context.addIssue({ code: 'custom', path, message: `an anonymous node ${expected}` });
    refuseDirect(forAll, refuse);
    refuseNamedIntroducerProxies({ anonymous: true, introducers }, context);
    for (const [id, clause] of Object.entries(servers))
      refuseNamedProxies(clause.connection_types, (path, expected) =>
        refuse(['servers', id, 'connection_types', ...path], expected),
      );
  })
  .transform((connections) => ({ ...connections, connection_types: connections.connection_types ?? {} }));

export type ConnectionsConfiguration = z.infer<typeof connectionsConfiguration>;

/** What a node takes as its `connections.yaml`. */
export function connectionsOf(node: { readonly anonymous: boolean }): z.ZodType<ConnectionsConfiguration> {
  return node.anonymous ? anonymousConnectionsConfiguration : connectionsConfiguration;
}

/**
 * Reads the `connections.yaml` of a node's folder.
 *
 * @throws ConfigurationError
 */
export function readConnections(
  dir: string,
  node: { readonly anonymous: boolean },
): Promise<ConnectionsConfiguration> {
  return readYamlConfiguration(join(dir, 'connections.yaml'), connectionsOf(node));
}
