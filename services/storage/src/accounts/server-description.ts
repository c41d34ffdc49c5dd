import { permutationSeed } from '@holdfast/common/announcements';
import { formatHostPort, parseHostPort } from '@holdfast/common/configuration';
import type { Database } from '@holdfast/common/database';
import { type GridManagerCertificate, gridManagerCertificate } from '@holdfast/common/grid-management';
import type { Identity } from '@holdfast/common/identity';
import { base32Decode, base32Encode } from '@holdfast/lafs';
import * as z from 'zod';
import type { StorageConfiguration } from '../configuration.js';

const location = z.string().transform((text, context) => {
  const place = parseHostPort(text);
  if (place) return place;
  context.issues.push({ code: 'custom', message: 'expected HOST:PORT', input: text });
  return z.NEVER;
});

/** `storage.servers.description`: what a client must know of a server, without any credential. */
const serverDescription = z.object({
  nickname: z.string(),
  locations: z.array(location),
  /** base32 of 20 bytes. */
  tub_id: z.string().transform((text) => base32Decode(text)),
  /** base64url of 32 bytes. */
  spki_hash: z.string().transform((text) => new Uint8Array(Buffer.from(text, 'base64url'))),
  permutation_seed: z.string(),
  certificates: z.array(gridManagerCertificate).default([]),
});

/** A storage server of the database. */
export interface KnownServer {
  readonly key: number;
  readonly serverId: string;
  /** Undefined for one that has not run yet since it was made. */
  readonly description: z.infer<typeof serverDescription> | undefined;
}

/** Writes down how this server is reached, so that its customers' files can be made without asking it. */
export async function describeServer(
  database: Database,
  server: number,
  { nickname, locations }: StorageConfiguration,
  identity: Identity,
  certificates: readonly GridManagerCertificate[],
): Promise<void> {
  const description = {
    nickname,
    locations: locations.map(formatHostPort),
    tub_id: base32Encode(identity.tls.tubId),
    spki_hash: Buffer.from(identity.tls.spkiHash).toString('base64url'),
    permutation_seed: permutationSeed(identity),
    certificates,
  };
  await database.pool.query('update storage.servers set description = $2 where key = $1', [
    server,
    JSON.stringify(description),
  ]);
}

/** All storage servers of the database, in the order in which they came. */
export async function knownServers(database: Database): Promise<KnownServer[]> {
  const { rows } = await database.pool.query<{ key: number; server_id: string; description: unknown }>(
    'select key, server_id, description from storage.servers order by key',
  );
  return rows.map(({ key, server_id, description }) => ({
    key,
    serverId: server_id,
    description: description === null ? undefined : serverDescription.parse(description),
  }));
}
