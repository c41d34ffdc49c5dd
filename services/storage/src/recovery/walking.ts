import { Repetition } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import type { StorageMetrics } from '../metrics.js';
import type { Generation } from './generation.js';
import { ShareWalk, type ShareWalkParts } from './share-walk.js';

/** What walking over all shares in the background needs. */
export interface WalkingOptions extends ShareWalkParts {
  readonly generation: Generation;
  /** Nothing is looked through while the records have a problem. */
  readonly standing: { readonly problem: string | undefined };
  readonly metrics: StorageMetrics;
  readonly logger: Logger;
}

/** Looks through all shares once, so that none stays without a record, however often it is kept from it. */
export class Walking {
  readonly #options: WalkingOptions;
  readonly #walk: ShareWalk;
  readonly #stopping = new AbortController();
  /** Ends itself with the walk: it never comes to a second one. */
  readonly #repetition = new Repetition(() => this.#goOn(), 0);

  constructor(options: WalkingOptions) {
    this.#options = options;
    this.#walk = new ShareWalk(options);
  }

  /** Begins; returns how to end it. */
  start(): () => Promise<void> {
    this.#repetition.start();
    return async () => {
      this.#stopping.abort();
      await this.#repetition.stop();
    };
  }

  async #goOn(): Promise<boolean> {
    const { generation, standing, metrics, logger } = this.#options;
    if (standing.problem !== undefined) return false;
    try {
      const found = await this.#walk.goOn(this.#stopping.signal);
      if (!found) return false;
      // As long as some were not seen, nothing in their containers is believed more than before.
      await generation.raise(found.unreadableFolders > 0 ? undefined : false);
      metrics.walked(found);
      if (found.missing > 0) logger.error(found, 'shares are recorded that are not in the share folder');
      else if (found.unreadableFolders > 0)
        logger.error(found, 'looked through all shares but those in folders that cannot be read');
      else logger.info(found, 'looked through all shares');
      void this.#repetition.stop();
      return true;
    } catch (error) {
      logger.warn(
        { error: (error as Error).message },
        'looking through all shares was broken off; going on soon',
      );
      return false;
    }
  }
}
