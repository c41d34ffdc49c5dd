import type { Logger } from '@holdfast/common/logging';
import { type ByteRange, refusalReasons, type ShareAddress } from '@holdfast/lafs';
import type { Quarantine } from '../damage/quarantine.js';
import { isDiskFull } from '../disk-errors.js';
import type { Leaving } from '../leaving/leaving.js';
import type { ShareRecords } from '../records/share-records.js';
import type { ShareAdoption } from '../recovery/share-adoption.js';
import type { NewLease, ShareBackend } from '../share-backend/share-backend.js';
import type { Space } from '../space/space.js';
import { StorageError } from '../storage-error.js';
import type { Admission } from '../usage/admission.js';
import { beginning, leaving, OpenUploads } from './open-uploads.js';
import { type PlacedShares, TakenBackError } from './placed-shares.js';
import { Upload } from './upload.js';

/** What a client asks room for. */
export interface UploadRequest {
  readonly storageIndex: Uint8Array;
  readonly shareNumbers: ReadonlySet<number>;
  /** Bytes of data of each share. */
  readonly size: number;
  readonly uploadSecret: Uint8Array;
  readonly account: number;
  readonly lease: NewLease;
  /** Whether they may be placed first and recorded then, as all of their bytes are here. */
  readonly mayComeFirst?: boolean;
}

/** What uploads need. */
export interface UploadsOptions {
  readonly backend: ShareBackend;
  readonly records: ShareRecords;
  readonly placedShares: PlacedShares;
  readonly adoption: ShareAdoption;
  readonly admission: Admission;
  readonly space: Space;
  /** A share in it is neither there nor may it come anew: that would replace the damaged one for good. */
  readonly quarantine: Quarantine;
  /** While this server is, no upload begins; those under way go on. */
  readonly leaving: Pick<Leaving, 'now'>;
  readonly logger: Logger;
  /** Most shares on their way in at once. */
  readonly mostOpen: number;
  /** Most of them of one account. */
  readonly mostOpenOfOne: number;
  /** Milliseconds without a byte after which an upload is given up. */
  readonly abandonedAfter: number;
  /** Bytes a second that an upload must come at, on average and `abandonedAfter` aside, so as not to be given up. */
  readonly leastPace: number;
  /** Whether there is a mutable share at a storage index, once whoever is writing one there is done. */
  readonly holdsMutable: (storageIndex: Uint8Array) => Promise<boolean>;
}

/** All shares on their way in. They live in this process's memory: a restart ends them, and clients begin again. */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #open = new OpenUploads();
  /** Those whose record could not be taken back, because Postgres was away. */
  #unforgotten: { readonly share: ShareAddress; readonly account: number }[] = [];
  #leaving: Promise<unknown> | undefined;
  readonly #closing = new Map<Upload, Promise<void>>();
  /** Those that Postgres is told of only when they are placed. */
  readonly #unannounced = new Set<Upload>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /** How many shares are on their way in. */
  get count(): number {
    return this.#open.count;
  }

  /** Whether a share is on its way in at this place. */
  isComing(share: ShareAddress): boolean {
    return this.#open.at(share) !== undefined;
  }

  /** Whether any share of a storage index is on its way in, or may be in a moment. */
  isAnyComing(storageIndex: Uint8Array): boolean {
    return this.#open.anyAt(storageIndex);
  }

  /** Whether an upload is bringing a share to this place, and will have it recorded. */
  isUploading(share: ShareAddress): boolean {
    return this.#open.at(share) instanceof Upload;
  }

  /** Begins to give up abandoned uploads; returns how to end it. */
  start(): () => void {
    this.#sweep = setInterval(
      () => this.#giveUpAbandoned(),
      Math.min(Math.max(this.#options.abandonedAfter / 4, 50), 30_000),
    );
    return () => clearInterval(this.#sweep);
  }

  /**
   * Promises room for the shares that are not there yet. Asking again with the same upload secret gives the same
   * answer; a share that another upload is bringing is left to it, and is not there before that has ended.
   *
   * @returns the shares that are there already, and those that may now be written
   * @throws StorageError `server-leaving`, `too-many-uploads` or `server-busy` where that is why nothing was granted; `other-kind` where
   *   there are mutable shares, `share-damaged` where nobody knows; `quota-exceeded` where the account's quota does not allow all that there is room for;
   *   `database-unavailable`
   */
  async allocate(
    request: UploadRequest,
  ): Promise<{ present: ReadonlySet<number>; allocated: ReadonlySet<number> }> {
    const { backend, space, quarantine, holdsMutable } = this.#options;
    // One of them may be what is asked for, now that Postgres is back.
    await this.#leaveUnforgotten();
    const allocated = new Set<number>();
    // Our place is taken before the backend is asked: so whatever was on its way in before is in the backend now.
    const begun: ShareAddress[] = [];
    let refused: StorageError | undefined;
    if (this.#open.count > 0) await this.#recordPlaced(request);
    /** They may be seen in their places, and yet not be durable there, or be taken back. */
    const unsettled = new Map<number, Upload>();
    for (const shareNumber of request.shareNumbers) {
      const share = { storageIndex: request.storageIndex, shareNumber };
      const known = this.#open.at(share);
      if (known === undefined) {
        refused ??= this.#reasonToBeginNone(request.account);
        if (refused) continue;
        this.#open.begin(share, request.account);
        begun.push(share);
      } else if (known instanceof Upload) {
        unsettled.set(shareNumber, known);
        if (known.belongsTo(request)) allocated.add(shareNumber);
      }
    }
    try {
      const [listed, mutable] = await Promise.all([
        backend.list(request.storageIndex),
        holdsMutable(request.storageIndex),
        space.available(),
      ]);
      // An immutable share would replace a mutable one, whose write enabler nobody has shown.
      if (mutable) throw new StorageError('other-kind', 'the shares of this storage index are mutable');
      const present = new Set(
        [...listed].filter((shareNumber) => {
          // It may have begun since, or ended.
          const now = this.#open.at({ ...request, shareNumber });
          const upload = now instanceof Upload ? now : unsettled.get(shareNumber);
          return upload === undefined || this.#hasStored(request, upload);
        }),
      );
      const wanted = begun.filter((share) => !present.has(share.shareNumber) && !quarantine.has(share));
      for (const share of await this.#promise(wanted, present, request)) allocated.add(share.shareNumber);
      for (const shareNumber of present) allocated.delete(shareNumber);
      if (refused && present.size + allocated.size === 0) throw refused;
      return { present, allocated };
    } finally {
      for (const share of begun) {
        if (this.#open.at(share) === beginning) this.#open.free(share, request.account);
      }
    }
  }

  /**
   * The upload of a share.
   *
   * @throws StorageError `no-such-upload`, `wrong-upload-secret`
   */
  find(share: ShareAddress, secret: Uint8Array, account: number): Upload {
    const upload = this.#open.at(share);
    if (!(upload instanceof Upload))
      throw new StorageError('no-such-upload', 'this share is not on its way in');
    if (!upload.belongsTo({ uploadSecret: secret, account })) {
      throw new StorageError('wrong-upload-secret', 'this upload was begun with another upload secret');
    }
    return upload;
  }

  /**
   * Writes to an upload, and closes it when all its bytes are there.
   *
   * @returns what is still to come; when that is nothing the share is stored for good
   * @throws StorageError; a full disk leaves what was written before as it was
   */
  async write(
    upload: Upload,
    range: ByteRange,
    transfer: (take: (offset: number, chunks: Uint8Array[]) => Promise<void>) => Promise<void>,
  ): Promise<readonly ByteRange[]> {
    const { space } = this.#options;
    if (range.end > upload.size) {
      throw new StorageError('range-outside-share', `the share has ${upload.size} bytes`);
    }
    const added = await upload.write(range, transfer).catch((error: unknown) => {
      throw isDiskFull(error)
        ? new StorageError('disk-full', 'the disk of this server is full', { cause: error })
        : error;
    });
    space.written(added);
    if (!upload.complete) return upload.required;
    await this.#close(upload);
    return [];
  }

  /** Gives an upload up: its bytes go, and the space promised to it comes back. */
  async abort(upload: Upload): Promise<void> {
    if (this.#open.at(upload.share) !== upload || this.#closing.has(upload) || upload.placed) {
      throw new StorageError('no-such-upload', 'this share is not on its way in');
    }
    const { space } = this.#options;
    this.#open.put(upload.share, leaving);
    space.release(upload.space - upload.written);
    try {
      await upload.end();
    } finally {
      if (this.#unannounced.delete(upload)) this.#open.free(upload.share, upload.account);
      else await this.#leave(upload.share, upload.account);
    }
  }

  /** Tries again what could not be taken back; resolves when whoever began it is done. */
  async #leaveUnforgotten(): Promise<void> {
    if (this.#unforgotten.length === 0 && !this.#leaving) return;
    this.#leaving ??= Promise.all(
      this.#unforgotten.splice(0).map(({ share, account }) => this.#leave(share, account)),
    ).finally(() => {
      this.#leaving = undefined;
    });
    await this.#leaving;
  }

  /** Takes a share's record back, now or when Postgres can be used again. */
  async #leave(share: ShareAddress, account: number): Promise<void> {
    this.#open.put(share, leaving);
    try {
      await this.#options.records.forget(share);
    } catch (error) {
      this.#unforgotten.push({ share, account });
      throw error;
    }
    this.#open.free(share, account);
  }

  #reasonToBeginNone(account: number): StorageError | undefined {
    const { mostOpen, mostOpenOfOne, leaving } = this.#options;
    if (leaving.now) return new StorageError('server-leaving', refusalReasons['server-leaving']);
    if (this.#open.of(account) >= mostOpenOfOne) {
      return new StorageError(
        'too-many-uploads',
        `this account has ${mostOpenOfOne} uploads open here, the most that it may have: finish or abort some`,
      );
    }
    if (this.#open.count < mostOpen) return undefined;
    return new StorageError(
      'server-busy',
      `this server has ${mostOpen} uploads open, the most that it takes: try later`,
    );
  }

  async #promise(
    wanted: readonly ShareAddress[],
    present: ReadonlySet<number>,
    request: UploadRequest,
  ): Promise<ShareAddress[]> {
    const { backend, placedShares, space } = this.#options;
    const { size, account, lease, mayComeFirst = false, uploadSecret: secret } = request;
    const needed = backend.spaceFor(size);
    const fitting = wanted.filter(() => space.promise(needed));
    if (fitting.length === 0) return [];
    const first = mayComeFirst && placedShares.mayComeFirst(account);
    let promised: readonly ShareAddress[] = [];
    try {
      promised = first ? fitting : await this.#announce(fitting, present, request);
    } finally {
      space.release(needed * (fitting.length - promised.length));
    }
    for (const share of promised) {
      const incoming = backend.begin(share, { dataSize: size, lease });
      const upload = new Upload({ share, size, secret, account, space: needed, incoming });
      this.#open.put(share, upload);
      if (first) this.#unannounced.add(upload);
    }
    return [...promised];
  }

  /** Tells Postgres that shares are coming. Resolves to those that may. */
  async #announce(
    shares: readonly ShareAddress[],
    present: ReadonlySet<number>,
    { storageIndex, size, account }: UploadRequest,
  ): Promise<ShareAddress[]> {
    const { adoption, admission } = this.#options;
    const there = [...present].map((shareNumber) => ({ storageIndex, shareNumber }));
    const coming = shares.map((share) => ({ ...share, size, account }));
    const leased = async () => {
      await adoption.adopt(there);
      return there;
    };
    const answer = await admission.promise(coming, leased).catch((error: unknown) => {
      // It may have been recorded, and only the answer been lost.
      for (const share of shares) this.#open.put(share, leaving);
      this.#unforgotten.push(...shares.map((share) => ({ share, account })));
      throw error;
    });
    if ('refused' in answer) throw answer.refused;
    return shares.filter((_, index) => answer.promised[index]);
  }

  /** Once for all requests that see the upload complete; after a failure the next one tries again. */
  #close(upload: Upload): Promise<void> {
    const known = this.#closing.get(upload);
    if (known) return known;
    const closing = this.#placeAndRecord(upload).finally(() => this.#closing.delete(upload));
    this.#closing.set(upload, closing);
    return closing;
  }

  async #placeAndRecord(upload: Upload): Promise<void> {
    const { records, placedShares, logger } = this.#options;
    try {
      await upload.place();
    } catch (error) {
      // After a failed sync nobody knows what of the file is on the disk: it cannot be tried again.
      logger.error({ error: (error as Error).message }, 'a share could not be put in its place');
      this.#closing.delete(upload);
      await this.abort(upload).catch(() => undefined);
      throw placingFailure(error);
    }
    const share = { ...upload.share, size: upload.size, account: upload.account };
    if (this.#unannounced.has(upload)) {
      await placedShares
        .record(share, () =>
          upload.placeAgain().catch((error: unknown) => Promise.reject(placingFailure(error))),
        )
        .catch((error: unknown) => {
          if (error instanceof TakenBackError) this.#settle(upload);
          throw error;
        });
    } else await records.close(share);
    this.#settle(upload);
  }

  /** Forgets an upload that was placed, and has its record or was taken back. */
  #settle(upload: Upload): void {
    const { space, logger } = this.#options;
    this.#unannounced.delete(upload);
    this.#open.free(upload.share, upload.account);
    space.written(upload.space - upload.size);
    upload.end().catch((error: Error) => logger.warn({ error: error.message }, 'closing a file failed'));
  }

  /** Whether a client has an upload's share in its place already: it is the client's own, and durable there. */
  #hasStored(client: UploadRequest, upload: Upload): boolean {
    return upload.placed && upload.belongsTo(client) && !this.#unannounced.has(upload);
  }

  /**
   * Records what was placed and lacks only that, as Postgres was away. Waits for those shares that somebody asks for:
   * before, they are no others' to have, and of those that were never announced nobody would know whose they are.
   */
  async #recordPlaced({ storageIndex, shareNumbers }: UploadRequest): Promise<void> {
    const record = (upload: Upload) => this.#close(upload).catch(() => undefined);
    for (const upload of this.#unannounced) {
      if (upload.placed && !this.#closing.has(upload)) void record(upload);
    }
    const wanted = [...shareNumbers].map((shareNumber) => this.#open.at({ storageIndex, shareNumber }));
    await Promise.all(wanted.map((upload) => upload instanceof Upload && upload.placed && record(upload)));
  }

  #giveUpAbandoned(): void {
    const { abandonedAfter, leastPace, logger } = this.#options;
    this.#leaveUnforgotten().catch(() => undefined);
    for (const upload of this.#open.values()) {
      if (!(upload instanceof Upload) || this.#closing.has(upload)) continue;
      // A byte now and then would hold what was promised for ever.
      const due = abandonedAfter + (upload.arrived / leastPace) * 1000;
      if (upload.idleFor < abandonedAfter && upload.age < due) continue;
      logger.info({ written: upload.written, size: upload.size }, 'an abandoned upload is given up');
      // What lacks only its record (Postgres was down) is no waste to be thrown away.
      const done = upload.placed ? this.#close(upload) : this.abort(upload);
      done.catch((error: Error) =>
        logger.warn({ error: error.message }, 'an abandoned upload could not be cleared away'),
      );
    }
  }
}

function placingFailure(error: unknown): StorageError {
  return isDiskFull(error)
    ? new StorageError('disk-full', 'the disk of this server is full', { cause: error })
    : new StorageError('upload-failed', 'the share could not be stored; begin again', { cause: error });
}
