import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../files/write-whole.js';

/** A node as `lab.json` names it; `pid` is null while it is stopped. */
export interface DescribedNode {
  readonly id: string;
  readonly nickname: string;
  readonly dir: string;
  readonly pid: number | null;
}

/** `lab.json`: every endpoint of a running lab. It is there while the lab is. */
export interface LabDescription {
  /** The first broker's web API. */
  readonly broker: string;
  readonly brokers: readonly string[];
  /** Of its superuser, with the password; the nodes' databases are in it. */
  readonly postgres: string;
  /** The bus; of a guarded one as its operator, with the password. */
  readonly nats: string;
  /** The file with the certificate to trust the bus by; null where the bus was given. */
  readonly natsCa: string | null;
  readonly introducer: DescribedNode;
  readonly storage: readonly (DescribedNode & { readonly nurl: string })[];
  readonly repairers: readonly Pick<DescribedNode, 'nickname' | 'dir' | 'pid'>[];
}

const file = (dir: string) => join(dir, 'lab.json');

/** Writes `lab.json`, whole. */
export function writeLabJson(dir: string, description: LabDescription): Promise<void> {
  return writeWhole(file(dir), `${JSON.stringify(description, null, 2)}\n`);
}

/** Reads `lab.json`. */
export async function readLabJson(dir: string): Promise<LabDescription> {
  return JSON.parse(await readFile(file(dir), 'utf8')) as LabDescription;
}

/** Removes `lab.json`: nothing that it names is there any more, or not yet. */
export function removeLabJson(dir: string): Promise<void> {
  return rm(file(dir), { force: true });
}
