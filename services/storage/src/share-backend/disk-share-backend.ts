import { existsSync, readdirSync } from 'node:fs';
import {
  access,
  constants,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@holdfast/common/logging';
import {
  base32Encode,
  bucketFolder,
  containerSize,
  incomingFolder,
  parseShareName,
  type ShareAddress,
  sharePath,
} from '@holdfast/lafs';
import { DamagedShareError, damageIn } from '../damage/damage-in.js';
import { loggingQuarantine, type Quarantine } from '../damage/quarantine.js';
import { type ExaminedShare, examineShare } from './examine-share.js';
import { lockFolder } from './folder-lock.js';
import { IncomingFile } from './incoming-file.js';
import { OpenShares } from './open-shares.js';
import { syncFolder } from './place-batch.js';
import { QuickCalls } from './quick-calls.js';
import type {
  IncomingShare,
  InspectedShare,
  NewShare,
  RemovalFailure,
  ShareBackend,
  StoredShare,
  WalkedShares,
} from './share-backend.js';
import { SharePlacer } from './share-placer.js';
import { ShareRemover } from './share-remover.js';
import { ShareScanner } from './share-scanner.js';

const filesKeptOpen = 256;

/** Shares on a local disk, in the folders and files of Tahoe-LAFS: a folder that it filled can be used, and given back. */
export class DiskShareBackend implements ShareBackend {
  readonly #root: string;
  readonly #incoming: string;
  readonly #logger: Logger;
  readonly #quick = new QuickCalls();
  readonly #openShares = new OpenShares(filesKeptOpen, this.#quick);
  readonly #quarantine: Quarantine;
  readonly #placer = new SharePlacer();
  readonly #remover = new ShareRemover();
  readonly #scanner: ShareScanner;
  #unlock = () => {};
  /** One after the other: two of one name have one unfinished file. */
  #writingNotes: Promise<void> = Promise.resolve();

  /**
   * @param root the folder that has `incoming/` and a folder for each two characters that a storage index can begin with
   * @param quarantine keeps apart the shares that turn out to be damaged; without one they are only told of
   */
  constructor(root: string, logger: Logger, quarantine: Quarantine = loggingQuarantine(logger)) {
    this.#root = root;
    this.#incoming = join(root, incomingFolder);
    this.#logger = logger;
    this.#scanner = new ShareScanner(root);
    this.#quarantine = quarantine;
  }

  async open(): Promise<void> {
    await mkdir(this.#root, { recursive: true });
    await access(this.#root, constants.R_OK | constants.W_OK | constants.X_OK);
    this.#unlock = lockFolder(this.#root);
    await rm(this.#incoming, { recursive: true, force: true });
    await mkdir(this.#incoming);
    syncFolder(this.#root);
  }

  begin(share: ShareAddress, contents: NewShare): IncomingShare {
    const name = `${base32Encode(share.storageIndex)}-${share.shareNumber}`;
    const target = {
      folder: join(this.#root, bucketFolder(share.storageIndex)),
      name: String(share.shareNumber),
    };
    return new IncomingFile(join(this.#incoming, name), target, contents, this.#placer);
  }

  async list(storageIndex: Uint8Array): Promise<ReadonlySet<number>> {
    const folder = join(this.#root, bucketFolder(storageIndex));
    // At once: most storage indexes that are asked for are new here, and to see that costs no more than to ask a thread.
    const numbers = existsSync(folder) ? shareNumbers(await this.#namesIn(folder)) : [];
    if (numbers.length === 0) return new Set();
    const found = await Promise.all(
      numbers.map(async (shareNumber) => {
        const share = await this.read({ storageIndex, shareNumber });
        share?.release();
        return share !== undefined;
      }),
    );
    return new Set(numbers.filter((_, index) => found[index]));
  }

  async shareFiles(storageIndex: Uint8Array): Promise<ReadonlySet<number>> {
    return new Set(shareNumbers(await this.#namesIn(join(this.#root, bucketFolder(storageIndex)))));
  }

  async read(share: ShareAddress): Promise<StoredShare | undefined> {
    if (this.#quarantine.has(share)) return undefined;
    const path = join(this.#root, sharePath(share.storageIndex, share.shareNumber));
    let opened: StoredShare | undefined;
    try {
      opened = await this.#openShares.open(path);
    } catch (error) {
      if (this.#foundDamaged(share, error)) return undefined;
      throw error;
    }
    if (!opened) return undefined;
    const { read } = opened;
    return {
      ...opened,
      read: async (range) => {
        try {
          return await read(range);
        } catch (error) {
          if (this.#foundDamaged(share, error)) throw new DamagedShareError({ cause: error });
          throw error;
        }
      },
    };
  }

  async *walk(from = 0): AsyncGenerator<WalkedShares, void, void> {
    for await (const page of this.#scanner.walk(from)) {
      for (const { folder, problem } of page.unreadable)
        this.#logger.error({ folder, problem }, 'a folder of shares cannot be read; passed over');
      yield page;
    }
  }

  async inspect(shares: readonly ShareAddress[]): Promise<readonly InspectedShare[]> {
    const found: InspectedShare[] = [];
    for (const share of await this.#scanner.inspect(shares)) {
      if ('problem' in share) this.#quarantine.add(share, 'walk', share.problem);
      else found.push(share);
    }
    return found;
  }

  examine({ storageIndex, shareNumber }: ShareAddress): Promise<ExaminedShare | undefined> {
    return examineShare(join(this.#root, sharePath(storageIndex, shareNumber)));
  }

  async remove(shares: readonly ShareAddress[]): Promise<readonly (RemovalFailure | undefined)[]> {
    const failures = await this.#remover.remove(
      shares.map(({ storageIndex, shareNumber }) => ({
        folder: join(this.#root, bucketFolder(storageIndex)),
        name: String(shareNumber),
      })),
    );
    for (const { storageIndex, shareNumber } of shares) {
      this.#openShares.forget(join(this.#root, sharePath(storageIndex, shareNumber)));
    }
    return failures;
  }

  async readNote(name: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(join(this.#root, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  writeNote(name: string, contents: Uint8Array): Promise<void> {
    const writing = this.#writingNotes.then(() => this.#writeNote(name, contents));
    this.#writingNotes = writing.catch(() => undefined);
    return writing;
  }

  async #writeNote(name: string, contents: Uint8Array): Promise<void> {
    const unfinished = join(this.#root, `${name}.new`);
    await writeFile(unfinished, contents, { mode: 0o600, flush: true });
    await rename(unfinished, join(this.#root, name));
    const folder = await open(this.#root);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  async freeSpace(): Promise<number> {
    const { bavail, bsize, files, ffree } = await statfs(this.#root);
    // A disk without a free inode takes no file. One that counts none (btrfs) says 0 of 0.
    return files > 0 && ffree === 0 ? 0 : bavail * bsize;
  }

  spaceFor(dataSize: number): number {
    return containerSize(dataSize, 1);
  }

  /** The names in a folder; none where there is no such folder. */
  async #namesIn(folder: string): Promise<string[]> {
    try {
      return await this.#quick.do(
        () => readdirSync(folder),
        () => readdir(folder),
      );
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      throw error;
    }
  }

  /** Quarantines a share that cannot be read; false where the error says nothing of the share. */
  #foundDamaged(share: ShareAddress, error: unknown): boolean {
    const problem = damageIn(error);
    if (problem !== undefined) this.#quarantine.add(share, 'read', problem);
    return problem !== undefined;
  }

  async close(): Promise<void> {
    await this.#placer.close();
    await this.#remover.close();
    await this.#scanner.close();
    this.#openShares.close();
    this.#unlock();
  }
}

function shareNumbers(names: readonly string[]): number[] {
  return names.flatMap((name) => parseShareName(name) ?? []);
}
