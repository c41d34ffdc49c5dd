import type { ShareAddress } from '@holdfast/lafs';
import { WorkerCalls } from '../worker-calls.js';
import type { ScanCall, ScanResult } from './scan-thread.js';
import type { InspectedShare, WalkedShares } from './share-backend.js';
import type { UnreadableShare } from './share-scan.js';

/** The built thread, for this file as it was built and for its source under test. */
const threadFile = new URL('../../dist/share-backend/scan-thread.js', import.meta.url);

/** Walks over the shares of a folder and looks into them, on a thread of its own. */
export class ShareScanner {
  readonly #root: string;
  readonly #thread = new WorkerCalls<ScanCall, ScanResult>(threadFile);
  #walks = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** @param from the section to begin with */
  async *walk(from = 0): AsyncGenerator<WalkedShares, void, void> {
    this.#walks++;
    const walk = this.#walks;
    const next = () =>
      this.#thread.call({ kind: 'next', root: this.#root, walk, from }) as Promise<WalkedShares | undefined>;
    try {
      // One page ahead, so that the disk is read while the caller is at work.
      let coming = next();
      for (let page = await coming; page; page = await coming) {
        coming = next();
        // Whether it fails is seen when it is waited for.
        coming.catch(() => undefined);
        yield page;
      }
    } finally {
      await this.#thread.call({ kind: 'end', walk });
    }
  }

  /** Looks into shares; those that are not there are left out. */
  inspect(shares: readonly ShareAddress[]): Promise<readonly (InspectedShare | UnreadableShare)[]> {
    return this.#thread.call({ kind: 'inspect', root: this.#root, shares }) as Promise<
      readonly (InspectedShare | UnreadableShare)[]
    >;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
