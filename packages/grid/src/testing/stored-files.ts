import { randomBytes } from 'node:crypto';
import type { Lab } from '@holdfast/lab';
import { type ChkReadCapability, parseCapability, storageIndexOf } from '@holdfast/lafs';
import type { LabClient } from './lab-client.js';
import { rowsOf, type ShareFile, shareFiles } from './share-files.js';

/** Files that a client stores in a lab, and what is said of their shares there. */
export class StoredFiles {
  constructor(
    private readonly lab: Lab,
    private readonly client: LabClient,
  ) {}

  /** Stores so many bytes, of chance where not given; gives the file's capability, also as text, and where its shares lie. */
  async store(size: number, content: Uint8Array = randomBytes(size)) {
    const text = await this.client.store(content);
    const capability = parseCapability(text) as ChkReadCapability;
    return { content, capability, text, shares: await shareFiles(this.lab, text) };
  }

  /** What servers are called in the lab, by server id. */
  get nicknames(): ReadonlyMap<string, string> {
    return new Map(this.lab.description.storage.map(({ id, nickname }) => [id, nickname]));
  }

  /** Where shares are that results speak of, as `share number server`. */
  places(shares: readonly { readonly shareNumber: number; readonly serverId: string }[]): string[] {
    const { nicknames } = this;
    return shares.map(({ shareNumber, serverId }) => `${shareNumber} ${nicknames.get(serverId)}`).sort();
  }

  /** The numbers of a file's shares that a server was told are corrupt. */
  async reports(text: string, server: string): Promise<number[]> {
    const index = Buffer.from(storageIndexOf(parseCapability(text) as ChkReadCapability)).toString('hex');
    const rows = await rowsOf<{ share_number: number }>(
      this.lab,
      server,
      `select share_number from storage.corruption_reports where server = $1 and storage_index = '\\x${index}'`,
    );
    return rows.map(({ share_number }) => share_number);
  }
}

/** Where shares lie, as `places` says it. */
export function placesOf(shares: readonly ShareFile[]): string[] {
  return shares.map(({ shareNumber, server }) => `${shareNumber} ${server}`).sort();
}
