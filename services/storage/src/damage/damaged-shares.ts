import type { Logger } from '@holdfast/common/logging';
import type { ShareAddress } from '@holdfast/lafs';
import { keyOf } from '../records/share-records.js';
import type { DamagedShare, DamageRecords } from './damage-records.js';
import type { FoundBy, Quarantine } from './quarantine.js';

/** Milliseconds after which the operator's releases are noticed, and what could not be recorded is tried again. */
const refreshEvery = 5_000;

/**
 * The quarantine of a running server: in memory, because every read asks it, and in Postgres, so that it outlives the
 * process and the operator can look into it. A share found while Postgres is away is recorded when it is back.
 */
export class DamagedShares implements Quarantine {
  readonly #logger: Logger;
  #known = new Map<string, DamagedShare>();
  readonly #unrecorded = new Map<string, DamagedShare>();
  #records: DamageRecords | undefined;
  #refreshing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** How many shares are kept apart. */
  get count(): number {
    return this.#known.size;
  }

  has(share: ShareAddress): boolean {
    return this.#known.size > 0 && this.#known.has(keyOf(share));
  }

  add(share: ShareAddress, foundBy: FoundBy, problem: string): void {
    const key = keyOf(share);
    if (this.#known.has(key)) return;
    const damaged = { ...share, foundAt: new Date(), foundBy, problem };
    this.#known.set(key, damaged);
    this.#unrecorded.set(key, damaged);
    this.#logger.error({ share: key, problem, foundBy }, 'a share is damaged, and kept apart from now on');
    this.#refresh().catch(() => undefined);
  }

  /**
   * Learns what was found in earlier runs, and keeps up with what the operator releases.
   *
   * @returns how to end it; resolves when what was found is recorded, or cannot be now
   */
  async open(records: DamageRecords): Promise<() => Promise<void>> {
    this.#records = records;
    await this.#refresh();
    this.#timer = setInterval(() => void this.#refresh().catch(() => undefined), refreshEvery).unref();
    if (this.count > 0) this.#logger.warn({ shares: this.count }, 'damaged shares are kept apart');
    return async () => {
      clearInterval(this.#timer);
      await this.#refreshing?.catch(() => undefined);
    };
  }

  /** Records what is new, then reads what there is: one at a time, so that nothing new is overlooked. */
  async #refresh(): Promise<void> {
    while (this.#refreshing) await this.#refreshing.catch(() => undefined);
    const records = this.#records;
    if (!records) return;
    this.#refreshing = this.#recordAndRead(records).finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  async #recordAndRead(records: DamageRecords): Promise<void> {
    const unrecorded = [...this.#unrecorded.entries()];
    if (unrecorded.length > 0) {
      await records.add(unrecorded.map(([, share]) => share));
      for (const [key] of unrecorded) this.#unrecorded.delete(key);
    }
    const listed = new Map((await records.list()).map((share) => [keyOf(share), share]));
    for (const [key, share] of this.#unrecorded) listed.set(key, share);
    for (const key of this.#known.keys()) {
      if (!listed.has(key)) this.#logger.info({ share: key }, 'a share was released from quarantine');
    }
    this.#known = listed;
  }
}
