import {
  decodeAllocateAnswer,
  decodeFindAnswer,
  decodeServerVersion,
  decodeShareNumbers,
  decodeSharesAnswer,
  decodeStoreAnswer,
  deriveLeaseSecrets,
  encodeAllocateRequest,
  encodeCorruptionReport,
  encodeFindRequest,
  encodeStoreRequest,
  extensionsHeader,
  type FileAnswer,
  type FileQuestion,
  formatContentRange,
  formatRange,
  leavingState,
  longestFindAnswer,
  type ServerVersion,
  type SharesAnswer,
  type StoreAnswer,
  serverStateHeader,
  storageRoutes,
  type WholeShares,
} from '@holdfast/lafs';
import { StorageServerError } from '../errors.js';
import {
  StorageRequests,
  type StorageRequestsOptions,
  shortDeadline,
  transferDeadline,
} from './storage-requests.js';
import type { Allocation } from './storage-server.js';

/** What a client needs to speak with one server. */
export interface StorageClientOptions extends StorageRequestsOptions {
  /** 20 bytes, from its FURL: lease secrets are made of it (docs: lease.rst). */
  readonly tubId: Uint8Array;
  readonly leaseSecret: Uint8Array;
}

/** The storage protocol spoken with one server, a method for each request that immutable files need. */
export class StorageClient {
  readonly #options: StorageClientOptions;
  readonly #requests: StorageRequests;

  constructor(options: StorageClientOptions) {
    this.#options = options;
    this.#requests = new StorageRequests(options);
  }

  /**
   * What the server says of itself, the extensions of the protocol that it names, and whether it is leaving.
   *
   * @param patience milliseconds beyond the usual deadline, where there may be no connection yet
   */
  async version(
    patience = 0,
  ): Promise<ServerVersion & { readonly extensions: readonly string[]; readonly leaving: boolean }> {
    const { method, path } = storageRoutes.version;
    const deadline = shortDeadline + patience;
    const answer = await this.#requests.send({ method, path: path({}), atOnce: true, deadline });
    const named = String(answer.headers[extensionsHeader.toLowerCase()] ?? '');
    return {
      ...this.#requests.decode(answer, decodeServerVersion),
      extensions: named.split(',').map((name) => name.trim()),
      leaving: answer.headers[serverStateHeader.toLowerCase()] === leavingState,
    };
  }

  /** Ends the requests of which nothing was heard since a time, as `performance.now()` gives it. */
  endSilent(since: number): void {
    this.#requests.endSilent(since);
  }

  async listShares(
    storageIndex: Uint8Array,
    signal?: AbortSignal,
    within?: number,
  ): Promise<ReadonlySet<number>> {
    const { method, path } = storageRoutes.listShares;
    return this.#requests.decode(
      await this.#requests.send({ method, path: path({ storageIndex }), signal, within }),
      decodeShareNumbers,
    );
  }

  async allocate(
    storageIndex: Uint8Array,
    shareNumbers: ReadonlySet<number>,
    allocatedSize: number,
    uploadSecret: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Allocation> {
    const ask = (wanted: ReadonlySet<number>, onRepeat?: () => void) =>
      this.#allocate(storageIndex, wanted, { allocatedSize, uploadSecret, signal }, onRepeat);
    let repeated = false;
    const answer = await ask(shareNumbers, () => {
      repeated = true;
    });
    const isAnswered = (share: number) => answer.allocated.has(share) || answer.alreadyHave.has(share);
    const missing = new Set([...shareNumbers].filter((share) => !isAnswered(share)));
    if (!repeated || missing.size === 0) return answer;
    // The peer says nothing of shares that the first request, whose answer was lost, has begun: they begin anew.
    await Promise.all([...missing].map((share) => this.#giveUp(storageIndex, share, uploadSecret)));
    const again = await ask(missing);
    return {
      allocated: new Set([...answer.allocated, ...again.allocated]),
      alreadyHave: new Set([...answer.alreadyHave, ...again.alreadyHave]),
    };
  }

  async #allocate(
    storageIndex: Uint8Array,
    shareNumbers: ReadonlySet<number>,
    { allocatedSize, uploadSecret, signal }: AllocationRequest,
    onRepeat: (() => void) | undefined,
  ): Promise<Allocation> {
    const { method, path } = storageRoutes.allocateShares;
    const { leaseSecret, tubId } = this.#options;
    const { renew, cancel } = deriveLeaseSecrets(leaseSecret, storageIndex, tubId);
    const request = {
      method,
      path: path({ storageIndex }),
      secrets: { 'lease-renew-secret': renew, 'lease-cancel-secret': cancel, 'upload-secret': uploadSecret },
      body: encodeAllocateRequest({ shareNumbers, allocatedSize }),
      signal,
    };
    return this.#requests.decode(await this.#requests.send(request, onRepeat), decodeAllocateAnswer);
  }

  /** Gives up a share that may not have been begun. */
  async #giveUp(storageIndex: Uint8Array, shareNumber: number, uploadSecret: Uint8Array): Promise<void> {
    try {
      await this.abort(storageIndex, shareNumber, uploadSecret);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }

  async store(storageIndex: Uint8Array, shares: WholeShares, signal?: AbortSignal): Promise<StoreAnswer> {
    const { method, path } = storageRoutes.storeWholeShares;
    const { leaseSecret, tubId } = this.#options;
    const { renew, cancel } = deriveLeaseSecrets(leaseSecret, storageIndex, tubId);
    const answer = await this.#requests.send({
      method,
      path: path({ storageIndex }),
      secrets: { 'lease-renew-secret': renew, 'lease-cancel-secret': cancel },
      body: encodeStoreRequest(shares),
      signal,
      deadline: transferDeadline,
    });
    return this.#requests.decode(answer, decodeStoreAnswer);
  }

  async readWhole(storageIndex: Uint8Array, signal?: AbortSignal, within?: number): Promise<SharesAnswer> {
    const { method, path } = storageRoutes.readWholeShares;
    return this.#requests.decode(
      await this.#requests.send({ method, path: path({ storageIndex }), signal, within }),
      decodeSharesAnswer,
    );
  }

  /** Never takes in more of an answer than was asked for. */
  async findShares(questions: readonly FileQuestion[], signal?: AbortSignal): Promise<readonly FileAnswer[]> {
    const { method, path } = storageRoutes.findShares;
    const body = encodeFindRequest(questions);
    const limit = longestFindAnswer(questions);
    const answer = await this.#requests.send({ method, path: path({}), body, signal, messageLimit: limit });
    return this.#requests.decode(answer, (bytes) => decodeFindAnswer(bytes, questions.length));
  }

  /** Resolves to whether the share is complete: 201, not 200 (docs: http-storage-node-protocol.rst, "Writing"). */
  async write(
    storageIndex: Uint8Array,
    shareNumber: number,
    offset: number,
    data: Uint8Array,
    uploadSecret: Uint8Array,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { method, path } = storageRoutes.writeShare;
    const request = {
      method,
      path: path({ storageIndex, shareNumber }),
      secrets: { 'upload-secret': uploadSecret },
      headers: { 'content-range': formatContentRange({ begin: offset, end: offset + data.length }) },
      contentType: 'application/octet-stream',
      body: data,
      signal,
      deadline: transferDeadline,
    };
    let repeated = false;
    const onRepeat = () => {
      repeated = true;
    };
    try {
      const { status } = await this.#requests.send(request, onRepeat);
      return status === 201;
    } catch (error) {
      if (!repeated || !isRefusal(error)) throw error;
      // The answer that was lost may have said that the share is stored. Then there is no upload to write to any more.
      if ((await this.listShares(storageIndex, signal)).has(shareNumber)) return true;
      throw error;
    }
  }

  async abort(storageIndex: Uint8Array, shareNumber: number, uploadSecret: Uint8Array): Promise<void> {
    const { method, path } = storageRoutes.abortUpload;
    await this.#requests.send({
      method,
      path: path({ storageIndex, shareNumber }),
      secrets: { 'upload-secret': uploadSecret },
    });
  }

  /** Fewer bytes than asked for where the share ends before `end`. */
  async read(
    storageIndex: Uint8Array,
    shareNumber: number,
    start: number,
    end: number,
    signal?: AbortSignal,
    within?: number,
    room?: Uint8Array,
  ): Promise<Uint8Array> {
    const { method, path } = storageRoutes.readShare;
    const { status, body } = await this.#requests.send({
      method,
      path: path({ storageIndex, shareNumber }),
      headers: { range: formatRange({ begin: start, end }) },
      accept: 'application/octet-stream',
      limit: end - start,
      room,
      signal,
      within,
      deadline: transferDeadline,
    });
    if (status === 204) return new Uint8Array(0);
    if (status !== 206)
      throw this.#requests.error('malformed-answer', `answered a range with ${status}`, status);
    return body;
  }

  async renewLease(storageIndex: Uint8Array, signal?: AbortSignal): Promise<void> {
    const { method, path } = storageRoutes.renewLease;
    const { leaseSecret, tubId } = this.#options;
    const { renew, cancel } = deriveLeaseSecrets(leaseSecret, storageIndex, tubId);
    const secrets = { 'lease-renew-secret': renew, 'lease-cancel-secret': cancel };
    await this.#requests.send({ method, path: path({ storageIndex }), secrets, signal });
  }

  async reportCorruption(storageIndex: Uint8Array, shareNumber: number, reason: string): Promise<void> {
    const { method, path } = storageRoutes.reportCorruption;
    await this.#requests.send({
      method,
      path: path({ storageIndex, shareNumber }),
      body: encodeCorruptionReport(reason),
    });
  }
}

/** Whether a server says that there is nothing (any more) to which a request could be done. */
function isRefusal(error: unknown): boolean {
  return error instanceof StorageServerError && (error.status === 404 || error.status === 405);
}

interface AllocationRequest {
  readonly allocatedSize: number;
  readonly uploadSecret: Uint8Array;
  readonly signal: AbortSignal | undefined;
}
