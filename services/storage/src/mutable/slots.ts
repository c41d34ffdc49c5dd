import type { Logger } from '@holdfast/common/logging';
import {
  base32Encode,
  type ReadTestWriteAnswer,
  type ReadTestWriteRequest,
  refusalReasons,
  type ShareAddress,
} from '@holdfast/lafs';
import { isDiskFull } from '../disk-errors.js';
import type { Leaving } from '../leaving/leaving.js';
import type { SlotRecords } from '../records/slot-records.js';
import { Room } from '../room.js';
import type { NewLease, StoredShare } from '../share-backend/share-backend.js';
import type { Space } from '../space/space.js';
import { StorageError } from '../storage-error.js';
import { changedData } from './changed-data.js';
import { mostSlotsAtOnce, mostWaiting } from './limits.js';
import { allHold, checkWriteEnabler, readAll } from './slot-checks.js';
import { closeAll, type OpenSlot, type SlotFolder } from './slot-folder.js';
import type { LeftEntry, SlotEntry, SlotJournal } from './slot-journal.js';
import { planSlot, type SlotPlan } from './slot-plan.js';
import { SlotTurns } from './slot-turns.js';

/** Milliseconds after which what could not be finished is tried again. */
const retryAfter = 5_000;

/** A request to a slot. */
export interface SlotRequest extends ReadTestWriteRequest {
  readonly storageIndex: Uint8Array;
  /** 32 bytes. */
  readonly writeEnabler: Uint8Array;
  /** Key of the client's account. */
  readonly account: number;
  readonly lease: NewLease;
}

/** What slots need. */
export interface SlotsOptions {
  readonly folder: SlotFolder;
  readonly journal: SlotJournal;
  readonly records: SlotRecords;
  readonly space: Space;
  /** While this server is, no slot begins; those that are there can be changed. */
  readonly leaving: Pick<Leaving, 'now'>;
  readonly logger: Logger;
  /** This server's tub id, 20 bytes: what clients derive write enablers and lease secrets for. */
  readonly nodeId: Uint8Array;
  /** Most bytes of data of one share. */
  readonly largestShare: number;
  /** Whether any immutable share is on its way in at a storage index. */
  readonly isAnyComing: (storageIndex: Uint8Array) => boolean;
}

/** The mutable shares of this server: read, tested and written slot by slot. */
export class Slots {
  readonly #options: SlotsOptions;
  readonly #turns = new SlotTurns(mostWaiting);
  readonly #atWork = new Room(mostSlotsAtOnce);
  /** Changes that were begun and are not wholly done or given up, by slot: records and disk may differ there. */
  readonly #unfinished = new Map<string, readonly LeftEntry[]>();

  /** Those that could not be brought in order when it was tried last. */
  readonly #troubled = new Set<string>();

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /**
   * Finishes the changes that the last run had decided on, and forgets those that it had not. Where that cannot be done, as
   * with a disk that does not give the slot's folder, it is tried again, and before anything is written there. Called
   * once, before anything is served.
   *
   * @throws StorageError `database-unavailable`
   */
  async recover(): Promise<{ finished: number; forgotten: number; unsettled: number }> {
    const { journal } = this.#options;
    await journal.open();
    const count = { finished: 0, forgotten: 0, unsettled: 0 };
    for (const left of await journal.leftovers()) {
      const slot = base32Encode(left.storageIndex);
      this.#unfinished.set(slot, [...(this.#unfinished.get(slot) ?? []), left]);
    }
    for (const [slot, left] of this.#unfinished) {
      await this.#settle(slot).catch((error: Error) => {
        if (isDatabaseAway(error)) throw error;
        this.#tellTrouble(slot, error);
      });
      const unsettled = this.#unfinished.get(slot)?.length ?? 0;
      for (const { committed } of left.slice(0, left.length - unsettled))
        count[committed ? 'finished' : 'forgotten'] += 1;
      count.unsettled += unsettled;
    }
    return count;
  }

  /** Begins to try again what could not be finished; returns how to end it. */
  start(): () => void {
    const timer = setInterval(() => {
      for (const slot of this.#unfinished.keys()) {
        this.#turns
          .take(slot, () => this.#settle(slot))
          .catch((error: Error) => this.#tellTrouble(slot, error));
      }
    }, retryAfter);
    return () => clearInterval(timer);
  }

  /** The numbers of the whole, readable mutable shares of a storage index. */
  list(storageIndex: Uint8Array): Promise<ReadonlySet<number>> {
    return this.#options.folder.list(storageIndex);
  }

  /** Opens a share for reading, as it is now; undefined where there is no mutable share. Call `release` when done. */
  async read({ storageIndex, shareNumber }: ShareAddress): Promise<StoredShare | undefined> {
    const share = await this.#options.folder.openShare(storageIndex, shareNumber);
    return typeof share === 'string' ? undefined : share;
  }

  /**
   * Whether there is a mutable share at a storage index, once whoever is writing there is done.
   *
   * @throws StorageError `share-damaged` where there are damaged shares of which nothing tells; `database-unavailable`, or
   *   the system's error, where a change that was begun there cannot be finished yet
   */
  async holdsAny(storageIndex: Uint8Array): Promise<boolean> {
    const slot = base32Encode(storageIndex);
    if (!this.#turns.isTaken(slot) && !this.#unfinished.has(slot)) return this.#holdsAny(storageIndex);
    return this.#turns.take(slot, async () => {
      // What was decided on is there as soon as it can be, whatever is on the disk now.
      await this.#settle(slot);
      return this.#holdsAny(storageIndex);
    });
  }

  /**
   * Reads from all shares of a slot; then, if all tests hold, makes all changes in one step, and gives the account a
   * lease on every share that was named and is there. Durable when this resolves.
   *
   * @throws StorageError `wrong-write-enabler`, `other-kind`, `share-damaged`, `share-too-large`, `too-many-shares`,
   *   `read-too-large`, `slot-busy`, `disk-full`, `server-leaving`, `quota-exceeded`, `share-going`, `database-unavailable`; nothing is
   *   changed then, but where Postgres fails after the change was decided on it is made all the same
   */
  readTestWrite(request: SlotRequest): Promise<ReadTestWriteAnswer> {
    const slot = base32Encode(request.storageIndex);
    return this.#turns.take(slot, () => this.#atWork.during(1, () => this.#readTestWrite(slot, request)));
  }

  async #holdsAny(storageIndex: Uint8Array): Promise<boolean> {
    const { folder, records } = this.#options;
    const held = await folder.holding(storageIndex);
    if (held.kind || held.damaged.length === 0) return held.kind === 'mutable';
    const kind = await records.kindOf(storageIndex, held.damaged);
    if (kind) return kind === 'mutable';
    throw new StorageError(
      'share-damaged',
      'what is at this storage index is damaged here, and may be mutable shares',
    );
  }

  async #readTestWrite(slot: string, request: SlotRequest): Promise<ReadTestWriteAnswer> {
    await this.#settle(slot);
    const open = await this.#options.folder.openSlot(request.storageIndex);
    try {
      checkWriteEnabler(open, request.writeEnabler, request.changes.size > 0);
      const data = await readAll(open.shares, request.read);
      const success = await allHold(open.shares, request.changes);
      if (success && request.changes.size > 0) await this.#change(slot, open, request);
      return { success, data };
    } finally {
      await closeAll(open);
    }
  }

  async #change(slot: string, open: OpenSlot, request: SlotRequest): Promise<void> {
    const { nodeId, largestShare, isAnyComing, records, leaving } = this.#options;
    const { storageIndex, account } = request;
    const plan = await planSlot(open, request, { nodeId, largestShare });
    if (leaving.now && open.shares.size === 0 && plan.written.length > 0) {
      throw new StorageError('server-leaving', refusalReasons['server-leaving']);
    }
    // Where there are mutable shares none can come: one that asks just now is told so, and keeps nobody from writing.
    if (open.shares.size === 0 && plan.written.length > 0 && isAnyComing(storageIndex)) {
      throw new StorageError('other-kind', 'an immutable share is on its way in here');
    }
    if (plan.written.length + plan.removed.length > 0) {
      await this.#prepare({ storageIndex, account }, open, plan);
      await this.#decide(slot, { storageIndex, account }, plan);
    } else if (plan.unchanged.length > 0) {
      await records.promise(storageIndex, account, plan.unchanged);
      await records.record(storageIndex, account, plan.unchanged, []);
    }
  }

  /** Writes the shares as they will be into the journal, where there is room for them. */
  async #prepare(entry: SlotEntry, { shares }: OpenSlot, { written, removed }: SlotPlan): Promise<void> {
    const { journal, space } = this.#options;
    const needed = written.reduce((sum, { containerSize }) => sum + containerSize, 0);
    await space.available();
    if (!space.promise(needed)) throw new StorageError('disk-full', 'this server has no room for the change');
    try {
      await journal.begin(entry);
      for (const { shareNumber, size, writes, header, trailer } of written) {
        const data = changedData(shares.get(shareNumber), size, writes);
        await journal.write(entry, shareNumber, container(header, data, trailer));
      }
      for (const shareNumber of removed) await journal.remove(entry, shareNumber);
      await journal.keep();
    } catch (error) {
      space.release(needed);
      await journal.discard(entry);
      throw isDiskFull(error)
        ? new StorageError('disk-full', 'the disk of this server is full', { cause: error })
        : error;
    }
    space.written(needed);
  }

  /** Decides on what was prepared, does it, and records it. */
  async #decide(slot: string, entry: SlotEntry, { written, removed, unchanged }: SlotPlan): Promise<void> {
    const { journal, records } = this.#options;
    const { storageIndex, account } = entry;
    this.#unfinished.set(slot, [{ ...entry, committed: false, removed: [] }]);
    try {
      const gone = removed.map((shareNumber) => ({ shareNumber, size: 0 }));
      await records.promise(storageIndex, account, [...written, ...unchanged, ...gone]);
      await journal.commit(entry);
    } catch (error) {
      // Where Postgres is away this cannot be done now; the next who comes to the slot does it, or the timer.
      if (!isDatabaseAway(error)) await this.#settle(slot).catch(() => undefined);
      throw error;
    }
    this.#unfinished.set(slot, [{ ...entry, committed: true, removed }]);
    await journal.apply(entry);
    const stored = written.map(({ shareNumber, size }) => ({ shareNumber, size, leased: true }));
    await records.record(storageIndex, account, [...stored, ...unchanged], removed);
    await journal.forget(entry);
    this.#unfinished.delete(slot);
  }

  /** Loudly once: it is tried again and again. */
  #tellTrouble(slot: string, { message: error }: Error): void {
    const level = this.#troubled.has(slot) ? 'debug' : 'warn';
    this.#troubled.add(slot);
    this.#options.logger[level]({ error }, 'a slot could not be brought in order yet');
  }

  async #settle(slot: string): Promise<void> {
    for (let left = this.#unfinished.get(slot) ?? []; left[0]; left = left.slice(1)) {
      this.#unfinished.set(slot, left);
      await this.#finish(left[0]);
    }
    this.#unfinished.delete(slot);
    this.#troubled.delete(slot);
  }

  /** Makes or gives up a change that was left, and puts the records right by what is then on the disk. */
  async #finish(left: LeftEntry): Promise<void> {
    const { journal, folder, records, nodeId } = this.#options;
    const { storageIndex, account, committed } = left;
    if (committed) await journal.apply(left);
    const found = await folder.describe(storageIndex, { account, nodeId });
    const there = new Set(found.map(({ shareNumber }) => shareNumber));
    const gone = [...new Set([...left.removed, ...(await records.coming(storageIndex))])];
    await records.record(
      storageIndex,
      account,
      // What was given up gave nobody a lease.
      found.map((share) => ({ ...share, leased: share.leased && committed })),
      gone.filter((shareNumber) => !there.has(shareNumber)),
    );
    await (committed ? journal.forget(left) : journal.discard(left));
  }
}

function isDatabaseAway(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'database-unavailable';
}

async function* container(
  header: Uint8Array,
  data: AsyncIterable<Uint8Array>,
  trailer: Uint8Array,
): AsyncGenerator<Uint8Array> {
  yield header;
  yield* data;
  yield trailer;
}
