import type { ShareAddress } from '@holdfast/lafs';
import { WorkerCalls } from '../worker-calls.js';
import { packAddresses, unpackAddresses } from './packed-addresses.js';
import type { PackedPage, ScanCall, ScanResult } from './scan-thread.js';
import type { InspectedShare, WalkedShares } from './share-backend.js';
import type { FoundContainer } from './share-scan.js';

/** The built thread, for this file as it was built and for its source under test. */
const threadFile = new URL('../../dist/share-backend/scan-thread.js', import.meta.url);

/** A share whose container cannot be read. */
export interface UnreadableShare extends ShareAddress {
  /** One line. */
  readonly problem: string;
}

/**
 * Walks over the shares of a folder and looks into them, on two threads of its own: a recovery does both at the same time,
 * and on one thread it recorded an eighth fewer shares a second. They are started when they are first needed.
 */
export class ShareScanner {
  readonly #root: string;
  readonly #walking = new WorkerCalls<ScanCall, ScanResult>(threadFile);
  readonly #inspecting = new WorkerCalls<ScanCall, ScanResult>(threadFile);
  #walks = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** @param from the section to begin with */
  async *walk(from = 0): AsyncGenerator<WalkedShares, void, void> {
    this.#walks++;
    const walk = this.#walks;
    const next = () =>
      this.#walking.call({ kind: 'next', root: this.#root, walk, from }) as Promise<PackedPage | undefined>;
    try {
      // One page ahead, so that the disk is read while the caller is at work.
      let coming = next();
      for (let page = await coming; page; page = await coming) {
        coming = next();
        // Whether it fails is seen when it is waited for.
        coming.catch(() => undefined);
        yield { ...page, shares: unpackAddresses(page.shares) };
      }
    } finally {
      await this.#walking.call({ kind: 'end', walk });
    }
  }

  /** Looks into shares; those that are not there are left out. */
  async inspect(shares: readonly ShareAddress[]): Promise<readonly (InspectedShare | UnreadableShare)[]> {
    const call = { kind: 'inspect', root: this.#root, shares: packAddresses(shares) } as const;
    const found = (await this.#inspecting.call(call)) as readonly (FoundContainer | undefined)[];
    return shares.flatMap((share, index) => {
      const container = found[index];
      return container ? { ...share, ...container } : [];
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#walking.close(), this.#inspecting.close()]);
  }
}
