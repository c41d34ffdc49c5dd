import { readCertificate, signCertificate } from '@holdfast/common/grid-management';
import { publicKeyText } from '@holdfast/common/identity';
import { formatCertificate, GridManagerError, GridManagerFolder } from './folder.js';

const day = 86_400_000;

/** Which grid manager, and how it is shown. */
export interface Shown {
  /** The grid manager's folder. */
  readonly dir: string;
  readonly json?: true;
}

/** @throws GridManagerError `exists` */
export async function create({ dir, json }: Shown): Promise<void> {
  await GridManagerFolder.create(dir);
  const identity = identityOf(await GridManagerFolder.open(dir));
  print(json, { publicKey: identity }, `Made a grid manager in ${dir}: ${identity}\n`);
}

/** @throws GridManagerError */
export async function publicIdentity({ dir, json }: Shown): Promise<void> {
  const identity = identityOf(await GridManagerFolder.open(dir));
  print(json, { publicKey: identity }, `${identity}\n`);
}

/**
 * @param key the server's public key, `pub-v0-…`, or its id, `v0-…`
 * @throws GridManagerError
 */
export async function add(name: string, key: string, { dir, json }: Shown): Promise<void> {
  const folder = await GridManagerFolder.open(dir);
  const publicKey = /^(?:pub-)?(v0-[a-z2-7]{52})$/.exec(key.trim())?.[1];
  if (publicKey === undefined)
    throw new GridManagerError(
      'bad-key',
      'expected a server id (v0- and 52 base32 characters) or pub- and that',
    );
  await folder.add(name, `pub-${publicKey}`);
  print(json, { name, publicKey: `pub-${publicKey}` }, `Added the storage server ${name}.\n`);
}

/** @throws GridManagerError */
export async function remove(name: string, { dir, json }: Shown): Promise<void> {
  await (await GridManagerFolder.open(dir)).remove(name);
  const done = `Removed the storage server ${name}. A certificate that it was given is good until it ends.\n`;
  print(json, { name }, done);
}

/**
 * Vouches for a server for so many days: prints the certificate, which is JSON, and keeps it in the folder.
 *
 * @throws GridManagerError
 */
export async function sign(name: string, days: number, { dir }: Shown): Promise<void> {
  const folder = await GridManagerFolder.open(dir);
  const serverId = folder.publicKeyOf(name).slice('pub-'.length);
  const expires = new Date(Date.now() + days * day);
  const certificate = signCertificate({ serverId, expires }, folder.signingKey);
  await folder.keep(name, certificate);
  process.stdout.write(formatCertificate(certificate));
}

/** @throws GridManagerError */
export async function list({ dir, json }: Shown): Promise<void> {
  const folder = await GridManagerFolder.open(dir);
  const servers = await Promise.all(
    [...folder.servers].map(async ([name, publicKey]) => {
      const given = await folder.certificatesOf(name);
      const certificates = given.map(({ number, certificate }) => {
        const { expires } = readCertificate(certificate);
        return { number, expires: expires.toISOString(), valid: expires.getTime() > Date.now() };
      });
      return { name, publicKey, certificates };
    }),
  );
  const text = servers.flatMap(({ name, publicKey, certificates }) => [
    `${name}: ${publicKey}\n`,
    ...certificates.map(
      ({ number, expires, valid }) =>
        `  certificate ${number}: ${valid ? 'valid until' : 'ended at'} ${expires}\n`,
    ),
  ]);
  print(json, servers, text.join(''));
}

function identityOf({ signingKey }: GridManagerFolder): string {
  return `pub-${publicKeyText(signingKey)}`;
}

function print(json: true | undefined, value: unknown, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : text);
}
