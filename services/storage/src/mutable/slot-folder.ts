import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bucketFolder, MalformedContainerError, parseShareName, sharePath } from '@holdfast/lafs';
import { damageIn } from '../damage/damage-in.js';
import type { Quarantine } from '../damage/quarantine.js';
import type { StoredSlotShare } from '../records/slot-records.js';
import type { ShareKind } from '../share-backend/share-backend.js';
import { StorageError } from '../storage-error.js';
import { MutableFile } from './mutable-file.js';

/** All shares of a slot, open for reading. */
export interface OpenSlot {
  /** By share number, in order. */
  readonly shares: ReadonlyMap<number, MutableFile>;
  /** The numbers of shares that are there and cannot be read. */
  readonly damaged: ReadonlySet<number>;
}

/** What is at a storage index: shares of one kind, or none but damaged ones (by their numbers) if any. */
export type Holding =
  | { readonly kind: ShareKind }
  | { readonly kind: undefined; readonly damaged: readonly number[] };

/** The mutable shares in a share folder. */
export class SlotFolder {
  readonly #root: string;
  readonly #quarantine: Quarantine;

  /**
   * @param root the folder that has a folder for each two characters that a storage index can begin with
   * @param quarantine keeps apart the shares that turn out to be damaged
   */
  constructor(root: string, quarantine: Quarantine) {
    this.#root = root;
    this.#quarantine = quarantine;
  }

  /**
   * Opens one share for reading. Close it when done.
   *
   * @returns undefined where there is none; a word where what is there is no mutable share, or a damaged one
   */
  async openShare(
    storageIndex: Uint8Array,
    shareNumber: number,
  ): Promise<MutableFile | 'other-kind' | 'damaged' | undefined> {
    const share = { storageIndex, shareNumber };
    if (this.#quarantine.has(share)) return 'damaged';
    const keepApart = (problem: string) => this.#quarantine.add(share, 'read', problem);
    try {
      return await MutableFile.open(join(this.#root, sharePath(storageIndex, shareNumber)), keepApart);
    } catch (error) {
      if (error instanceof MalformedContainerError && error.code === 'other-kind') return 'other-kind';
      const problem = damageIn(error);
      if (problem === undefined) throw error;
      keepApart(problem);
      return 'damaged';
    }
  }

  /**
   * Opens all shares of a slot for reading. Close them when done.
   *
   * @throws StorageError `other-kind` where one of them is immutable
   */
  async openSlot(storageIndex: Uint8Array): Promise<OpenSlot> {
    const shares = new Map<number, MutableFile>();
    const damaged = new Set<number>();
    try {
      for (const shareNumber of await this.#numbers(storageIndex)) {
        const share = await this.openShare(storageIndex, shareNumber);
        if (share === 'other-kind') {
          throw new StorageError('other-kind', 'the shares of this storage index are immutable');
        }
        if (share === 'damaged') damaged.add(shareNumber);
        else if (share) shares.set(shareNumber, share);
      }
      return { shares, damaged };
    } catch (error) {
      await closeAll({ shares });
      throw error;
    }
  }

  /** The numbers of the whole, readable mutable shares of a storage index. */
  async list(storageIndex: Uint8Array): Promise<ReadonlySet<number>> {
    const numbers = new Set<number>();
    await this.#each(storageIndex, async (shareNumber) => void numbers.add(shareNumber));
    return numbers;
  }

  /** What is at a storage index. Kinds never meet at one, so the first share that can be read tells. */
  async holding(storageIndex: Uint8Array): Promise<Holding> {
    const damaged: number[] = [];
    for (const shareNumber of await this.#numbers(storageIndex)) {
      const share = await this.openShare(storageIndex, shareNumber);
      if (share === 'damaged') damaged.push(shareNumber);
      if (share === 'other-kind') return { kind: 'immutable' };
      if (share instanceof MutableFile) {
        await share.close();
        return { kind: 'mutable' };
      }
    }
    return { kind: undefined, damaged };
  }

  /**
   * The mutable shares of a storage index as they are.
   *
   * @param holder `leased` tells whether this account has a lease in the container that this server wrote
   */
  async describe(
    storageIndex: Uint8Array,
    { account, nodeId }: { readonly account: number; readonly nodeId: Uint8Array },
  ): Promise<StoredSlotShare[]> {
    const found: StoredSlotShare[] = [];
    await this.#each(storageIndex, async (shareNumber, share) => {
      const leases = await share.leases();
      const leased = leases.some(
        (lease) => lease.owner === account && Buffer.compare(lease.nodeId, nodeId) === 0,
      );
      found.push({ shareNumber, size: share.size, leased });
    });
    return found;
  }

  async #each(
    storageIndex: Uint8Array,
    look: (shareNumber: number, share: MutableFile) => Promise<void>,
  ): Promise<void> {
    for (const shareNumber of await this.#numbers(storageIndex)) {
      const share = await this.openShare(storageIndex, shareNumber);
      if (!(share instanceof MutableFile)) continue;
      try {
        await look(shareNumber, share);
      } finally {
        await share.close();
      }
    }
  }

  async #numbers(storageIndex: Uint8Array): Promise<number[]> {
    const folder = join(this.#root, bucketFolder(storageIndex));
    // At once: most storage indexes that are asked for are not here.
    if (!existsSync(folder)) return [];
    try {
      return (await readdir(folder)).flatMap((name) => parseShareName(name) ?? []).sort((a, b) => a - b);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      throw error;
    }
  }
}

/** Closes what `openSlot` opened. */
export async function closeAll({ shares }: Pick<OpenSlot, 'shares'>): Promise<void> {
  await Promise.all([...shares.values()].map((share) => share.close()));
}
