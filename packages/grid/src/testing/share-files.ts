import { open, readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { openPool } from '@holdfast/common/database';
import { silentLogger } from '@holdfast/common/logging';
import { databaseUrl, type Lab } from '@holdfast/lab';
import {
  bucketFolder,
  type ChkReadCapability,
  containerHeaderSize,
  longestShareHeader,
  parseCapability,
  parseShareHeader,
  type ShareHeader,
  storageIndexOf,
} from '@holdfast/lafs';

/** A share as it lies on a lab's storage server. */
export interface ShareFile {
  readonly server: string;
  readonly shareNumber: number;
  readonly path: string;
}

/** The share folder of a lab's storage server. */
export function sharesFolder(lab: Lab, server: string): string {
  return join(lab.dir, server, 'shares');
}

/** Where the shares of a file lie, in order of share number. */
export async function shareFiles(lab: Lab, capability: string): Promise<ShareFile[]> {
  const bucket = bucketFolder(storageIndexOf(parseCapability(capability) as ChkReadCapability));
  const found: ShareFile[] = [];
  for (const { nickname } of lab.description.storage) {
    const folder = join(sharesFolder(lab, nickname), bucket);
    for (const name of await readdir(folder).catch(() => []))
      found.push({ server: nickname, shareNumber: Number(name), path: join(folder, name) });
  }
  return found.sort((a, b) => a.shareNumber - b.shareNumber);
}

/** What a share's first bytes say about where its parts are. */
export async function headerOf({ path }: ShareFile): Promise<ShareHeader> {
  const file = await open(path, 'r');
  try {
    const beginning = Buffer.alloc(longestShareHeader);
    await file.read(beginning, 0, beginning.length, containerHeaderSize);
    return parseShareHeader(beginning);
  } finally {
    await file.close();
  }
}

/** Changes one byte of a share, counted from the share's first. */
export async function flipByte({ path }: ShareFile, offset: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, containerHeaderSize + offset);
    await file.write(Buffer.of((byte[0] ?? 0) ^ 0xff), 0, 1, containerHeaderSize + offset);
  } finally {
    await file.close();
  }
}

/** Cuts a share off after its first bytes. */
export async function cutOff({ path }: ShareFile, size: number): Promise<void> {
  await truncate(path, containerHeaderSize + size);
}

/**
 * Rows of a query in the database of a lab's storage servers.
 *
 * @param server its nickname; `$1` in the query is its key
 */
export async function rowsOf<Row extends object>(lab: Lab, server: string, query: string): Promise<Row[]> {
  const settings = await readFile(join(lab.dir, server, 'node.yaml'), 'utf8');
  const name = /^postgres: .*\/(\w+)$/m.exec(settings)?.[1] ?? '';
  const url = databaseUrl(lab.description.postgres, name);
  const database = openPool({ url, applicationName: 'test', logger: silentLogger(), connections: 1 });
  try {
    const id = lab.description.storage.find(({ nickname }) => nickname === server)?.id;
    const { rows } = await database.pool.query<{ key: number }>(
      'select key from storage.servers where server_id = $1',
      [id],
    );
    return (await database.pool.query(query, [rows[0]?.key])).rows as Row[];
  } finally {
    await database.close();
  }
}
