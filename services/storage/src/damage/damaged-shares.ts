import type { Logger } from '@holdfast/common/logging';
import type { ShareAddress } from '@holdfast/lafs';
import { keyOf } from '../records/share-records.js';
import type { DamagedShare, DamageRecords } from './damage-records.js';
import type { DamagedPart, FoundBy, Quarantine } from './quarantine.js';

/** Milliseconds after which the operator's releases are noticed, and what could not be recorded is tried again. */
const lookEvery = 5_000;

/**
 * The quarantine of a running server: in memory, because every read asks it, and in Postgres, so that it outlives the
 * process and the operator can look into it. A share found while Postgres is away is recorded when it is back.
 *
 * A disk that is lost brings shares by the thousand: what is found while one statement is under way is recorded by the
 * next one, and all are read again only where the records are not those that were read last.
 */
export class DamagedShares implements Quarantine {
  readonly #logger: Logger;
  readonly #lookEvery: number;
  #known = new Map<string, DamagedShare>();
  readonly #unrecorded = new Map<string, DamagedShare>();
  #records: DamageRecords | undefined;
  /** Of the records that `#known` was read from; undefined where they have been changed since. */
  #fingerprint: string | undefined;
  /** What is under way and waits; never rejects. */
  #turn: Promise<void> = Promise.resolve();
  #recordingSoon = false;

  /** @param every milliseconds from one look at the records to the next */
  constructor(logger: Logger, every = lookEvery) {
    this.#logger = logger;
    this.#lookEvery = every;
  }

  /** How many shares are kept apart. */
  get count(): number {
    return this.#known.size;
  }

  has(share: ShareAddress): boolean {
    return this.#known.size > 0 && this.#known.has(keyOf(share));
  }

  add(share: ShareAddress, foundBy: FoundBy, problem: string, part: DamagedPart = 'container'): void {
    const key = keyOf(share);
    if (this.#known.has(key)) return;
    const damaged = { ...share, foundAt: new Date(), foundBy, problem, part };
    this.#known.set(key, damaged);
    this.#unrecorded.set(key, damaged);
    this.#logger.error(
      { share: key, problem, part, foundBy },
      'a share is damaged, and kept apart from now on',
    );
    if (!this.#records || this.#recordingSoon) return;
    this.#recordingSoon = true;
    // What fails is tried again by the next look.
    this.#inTurn((records) => this.#record(records)).catch(() => undefined);
  }

  /**
   * Learns what was found in earlier runs, and keeps up with what the operator releases.
   *
   * @returns how to end it; resolves when what was found is recorded, or cannot be now
   */
  async open(records: DamageRecords): Promise<() => Promise<void>> {
    this.#records = records;
    const look = () => this.#inTurn((current) => this.#look(current));
    await look();
    let looking = false;
    const timer = setInterval(() => {
      if (looking) return;
      looking = true;
      look()
        .catch(() => undefined)
        .finally(() => {
          looking = false;
        });
    }, this.#lookEvery).unref();
    if (this.count > 0) this.#logger.warn({ shares: this.count }, 'damaged shares are kept apart');
    return async () => {
      clearInterval(timer);
      await this.#turn;
    };
  }

  /** One at a time, so that nothing new is overlooked. */
  #inTurn(work: (records: DamageRecords) => Promise<void>): Promise<void> {
    const done = this.#turn.then(async () => {
      if (this.#records) await work(this.#records);
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #record(records: DamageRecords): Promise<void> {
    this.#recordingSoon = false;
    const unrecorded = [...this.#unrecorded.entries()];
    if (unrecorded.length === 0) return;
    // The operator may release one of them before the next look: the records would be those of the last one.
    this.#fingerprint = undefined;
    await records.add(unrecorded.map(([, share]) => share));
    for (const [key] of unrecorded) this.#unrecorded.delete(key);
  }

  async #look(records: DamageRecords): Promise<void> {
    await this.#record(records);
    const fingerprint = await records.fingerprint();
    if (fingerprint === this.#fingerprint) return;
    const listed = new Map((await records.list()).map((share) => [keyOf(share), share]));
    for (const [key, share] of this.#unrecorded) listed.set(key, share);
    for (const key of this.#known.keys()) {
      if (!listed.has(key)) this.#logger.info({ share: key }, 'a share was released from quarantine');
    }
    this.#known = listed;
    this.#fingerprint = fingerprint;
  }
}
