import {
  cborMediaType,
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
  formatAuthorization,
  formatContentRange,
  formatRange,
  formatSecrets,
  isRefusalReason,
  leavingState,
  longestFindAnswer,
  maximumMessageSize,
  refusalReasonHeader,
  refusalReasons,
  type SecretKind,
  type ServerVersion,
  type SharesAnswer,
  type StoreAnswer,
  secretsHeader,
  serverStateHeader,
  storageRoutes,
  type WholeShares,
} from '@holdfast/lafs';
import type { Pool } from 'undici';
import { StorageServerError } from '../errors.js';
import type { PinnedPool } from './pinned-pool.js';
import type { Allocation } from './storage-server.js';
import { AnswerReceiver, AnswerTooLongError, type WholeAnswer } from './whole-answer.js';

/** What a client needs to speak with one server. */
export interface StorageClientOptions {
  readonly pool: PinnedPool;
  /** How the server is called in messages. */
  readonly nickname: () => string;
  /** The credential: the last part of its NURL. */
  readonly swissnum: string;
  /** 20 bytes, from its FURL: lease secrets are made of it (docs: lease.rst). */
  readonly tubId: Uint8Array;
  readonly leaseSecret: Uint8Array;
}

const shortDeadline = 15_000;
const transferDeadline = 60_000;
const unwanted = 'nobody waits for the answer any more';

/** The storage protocol spoken with one server, a method for each request that immutable files need. */
export class StorageClient {
  readonly #options: StorageClientOptions;
  readonly #authorization: string;

  constructor(options: StorageClientOptions) {
    this.#options = options;
    this.#authorization = formatAuthorization(options.swissnum);
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
    const answer = await this.#request({ method, path: path({}), deadline: shortDeadline + patience });
    const named = String(answer.headers[extensionsHeader.toLowerCase()] ?? '');
    return {
      ...this.#decode(answer, decodeServerVersion),
      extensions: named.split(',').map((name) => name.trim()),
      leaving: answer.headers[serverStateHeader.toLowerCase()] === leavingState,
    };
  }

  async listShares(
    storageIndex: Uint8Array,
    signal?: AbortSignal,
    within?: number,
  ): Promise<ReadonlySet<number>> {
    const { method, path } = storageRoutes.listShares;
    return this.#decode(
      await this.#request({ method, path: path({ storageIndex }), signal, within }),
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
    return this.#decode(await this.#request(request, onRepeat), decodeAllocateAnswer);
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
    const answer = await this.#request({
      method,
      path: path({ storageIndex }),
      secrets: { 'lease-renew-secret': renew, 'lease-cancel-secret': cancel },
      body: encodeStoreRequest(shares),
      signal,
      deadline: transferDeadline,
    });
    return this.#decode(answer, decodeStoreAnswer);
  }

  async readWhole(storageIndex: Uint8Array, signal?: AbortSignal, within?: number): Promise<SharesAnswer> {
    const { method, path } = storageRoutes.readWholeShares;
    return this.#decode(
      await this.#request({ method, path: path({ storageIndex }), signal, within }),
      decodeSharesAnswer,
    );
  }

  /** Never takes in more of an answer than was asked for. */
  async findShares(
    questions: readonly FileQuestion[],
    signal?: AbortSignal,
    within?: number,
  ): Promise<readonly FileAnswer[]> {
    const { method, path } = storageRoutes.findShares;
    const body = encodeFindRequest(questions);
    const limit = longestFindAnswer(questions);
    const answer = await this.#request({ method, path: path({}), body, signal, within, messageLimit: limit });
    return this.#decode(answer, (bytes) => decodeFindAnswer(bytes, questions.length));
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
      const { status } = await this.#request(request, onRepeat);
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
    await this.#request({
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
  ): Promise<Uint8Array> {
    const { method, path } = storageRoutes.readShare;
    const { status, body } = await this.#request({
      method,
      path: path({ storageIndex, shareNumber }),
      headers: { range: formatRange({ begin: start, end }) },
      accept: 'application/octet-stream',
      limit: end - start,
      signal,
      within,
      deadline: transferDeadline,
    });
    if (status === 204) return new Uint8Array(0);
    if (status !== 206) throw this.#error('malformed-answer', `answered a range with ${status}`, status);
    return body;
  }

  async renewLease(storageIndex: Uint8Array, signal?: AbortSignal): Promise<void> {
    const { method, path } = storageRoutes.renewLease;
    const { leaseSecret, tubId } = this.#options;
    const { renew, cancel } = deriveLeaseSecrets(leaseSecret, storageIndex, tubId);
    const secrets = { 'lease-renew-secret': renew, 'lease-cancel-secret': cancel };
    await this.#request({ method, path: path({ storageIndex }), secrets, signal });
  }

  async reportCorruption(storageIndex: Uint8Array, shareNumber: number, reason: string): Promise<void> {
    const { method, path } = storageRoutes.reportCorruption;
    await this.#request({
      method,
      path: path({ storageIndex, shareNumber }),
      body: encodeCorruptionReport(reason),
    });
  }

  /**
   * A connection kept open may be closed by the other side in the moment in which it is used again. Every request of
   * the protocol may be repeated, so it is, once, on another connection. The first may have been done all the same,
   * only its answer lost.
   *
   * @param onRepeat called before a repetition, for requests that are answered differently then
   */
  async #request(request: Request, onRepeat?: () => void): Promise<WholeAnswer> {
    try {
      return await this.#requestOnce(request);
    } catch (error) {
      if (!(error instanceof StorageServerError && isClosedConnection(error.cause))) throw error;
      onRepeat?.();
      return this.#requestOnce(request);
    }
  }

  async #requestOnce(request: Request): Promise<WholeAnswer> {
    const { signal } = request;
    if (signal?.aborted) throw this.#error('aborted', unwanted);
    const { messageLimit = maximumMessageSize } = request;
    const receiver = new AnswerReceiver(Math.max(request.limit ?? 0, messageLimit));
    let ended: Ending | undefined;
    const end = (reason: Ending) => {
      ended = reason;
      receiver.cancel(new Error(reason));
    };
    const onAbort = () => end('aborted');
    signal?.addEventListener('abort', onAbort, { once: true });
    const { within, deadline = shortDeadline } = request;
    const timer =
      within !== undefined && within < deadline
        ? setTimeout(() => end('impatience'), within)
        : setTimeout(() => end('timeout'), deadline);
    try {
      this.#send(request, receiver);
      return this.#accepted(await receiver.answer);
    } catch (error) {
      if (ended === 'impatience')
        throw this.#error('aborted', `did not answer within ${(within ?? 0) / 1000} s`, undefined, {
          cause: error,
        });
      throw this.#asError(error, ended);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #send(request: Request, receiver: AnswerReceiver): void {
    const headers: string[] = [
      'authorization',
      this.#authorization,
      'accept',
      request.accept ?? cborMediaType,
    ];
    if (request.body) headers.push('content-type', request.contentType ?? cborMediaType);
    for (const [name, value] of Object.entries(request.headers ?? {})) headers.push(name, value);
    // One header for each secret: joined by commas they are refused.
    for (const value of formatSecrets(request.secrets ?? {})) headers.push(secretsHeader, value);
    const { method, path, body = null } = request;
    const send = (pool: Pool) => {
      if (!receiver.cancelled) pool.dispatch({ method, path, headers, body }, receiver);
    };
    const { pool } = this.#options;
    if (pool.current) send(pool.current);
    else pool.open().then(send, (error: Error) => receiver.cancel(error));
  }

  /** @throws StorageServerError where it is a refusal */
  #accepted(answer: WholeAnswer): WholeAnswer {
    const { status, headers } = answer;
    if (status >= 200 && status < 300) return answer;
    // Not its words: a server may repeat what it was sent, and messages reach web pages.
    const reason = headers[refusalReasonHeader.toLowerCase()];
    const words = isRefusalReason(reason) ? refusalReasons[reason] : `answered ${status}`;
    throw this.#error(status === 401 ? 'unauthorized' : 'refused', words, status);
  }

  #decode<T>({ body, status }: WholeAnswer, decode: (bytes: Uint8Array) => T): T {
    try {
      return decode(body);
    } catch (error) {
      throw this.#error('malformed-answer', (error as Error).message, status, { cause: error });
    }
  }

  #asError(error: unknown, ended: 'timeout' | 'aborted' | undefined): StorageServerError {
    if (error instanceof StorageServerError) return error;
    if (error instanceof AnswerTooLongError)
      return this.#error('malformed-answer', error.message, undefined, { cause: error });
    const { message, code: reason = '' } = error as Error & { code?: string };
    const code = ended ?? (reason.endsWith('_TIMEOUT') ? 'timeout' : 'unreachable');
    const texts = {
      timeout: 'did not answer in time',
      aborted: unwanted,
      unreachable: message,
    };
    return this.#error(code, texts[code], undefined, { cause: error });
  }

  #error(code: StorageServerError['code'], message: string, status?: number, options?: ErrorOptions) {
    return new StorageServerError(code, this.#options.nickname(), message, status, options);
  }
}

function isClosedConnection(cause: unknown): boolean {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

/** Whether a server says that there is nothing (any more) to which a request could be done. */
function isRefusal(error: unknown): boolean {
  return error instanceof StorageServerError && (error.status === 404 || error.status === 405);
}

interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly path: string;
  readonly secrets?: Partial<Record<SecretKind, Uint8Array>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: Uint8Array;
  /** Most bytes of share data that are read. */
  readonly limit?: number;
  /** Most bytes of a message that are read; as many as messages ever have where not given. */
  readonly messageLimit?: number;
  /** Milliseconds for the whole request. */
  readonly deadline?: number;
  /** Milliseconds after which whoever asks gives it up, though the server may still answer. */
  readonly within?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Why a request ended before its answer. */
type Ending = 'timeout' | 'aborted' | 'impatience';

interface AllocationRequest {
  readonly allocatedSize: number;
  readonly uploadSecret: Uint8Array;
  readonly signal: AbortSignal | undefined;
}
