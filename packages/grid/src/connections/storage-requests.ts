import {
  cborMediaType,
  formatAuthorization,
  formatSecrets,
  isRefusalReason,
  maximumMessageSize,
  refusalReasonHeader,
  refusalReasons,
  type SecretKind,
  secretsHeader,
} from '@holdfast/lafs';
import type { Pool } from 'undici';
import { StorageServerError } from '../errors.js';
import type { PinnedPool } from './pinned-pool.js';
import { AnswerReceiver, AnswerTooLongError, type WholeAnswer } from './whole-answer.js';

/** What requests to one server are made with. */
export interface StorageRequestsOptions {
  readonly pool: PinnedPool;
  /** How the server is called in messages. */
  readonly nickname: () => string;
  /** The credential: the last part of its NURL. */
  readonly swissnum: string;
}

/** Milliseconds for a request that carries little. */
export const shortDeadline = 15_000;
/** Milliseconds for one that carries shares, and has more for their bytes. */
export const transferDeadline = 60_000;
/**
 * Bytes in a millisecond that a request brings or takes at least. A large upload has ten pieces of a mebibyte on their way, which
 * all go through the line of whoever stores: this is a tenth of what 640 kbit/s give.
 */
const leastPace = 8;
const unwanted = 'nobody waits for the answer any more';

/**
 * Requests to a server at a time; others wait in line. There is a connection more than that, for whoever asks whether it is still
 * there: that would be found out late where all connections are taken by requests that it does not answer.
 */
const requestsAtOnce = 8;

/** A request of the storage protocol. */
export interface StorageRequest {
  /** Whether it waits for no other. */
  readonly atOnce?: boolean;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly path: string;
  readonly secrets?: Partial<Record<SecretKind, Uint8Array>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: Uint8Array;
  /** Most bytes of share data that are read. */
  readonly limit?: number;
  /** Where an answer of just its size goes. */
  readonly room?: Uint8Array | undefined;
  /** Most bytes of a message that are read; as many as messages ever have where not given. */
  readonly messageLimit?: number;
  /** Milliseconds for the whole request, beside those for its bytes. */
  readonly deadline?: number;
  /** Milliseconds after which whoever asks gives it up, though the server may still answer. */
  readonly within?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Why a request ended before its answer. */
type Ending = 'timeout' | 'aborted' | 'impatience' | 'crowd';

/** Requests to one server, with its credential and deadlines, whose answers are taken whole; refusals become errors. */
export class StorageRequests {
  readonly #options: StorageRequestsOptions;
  readonly #authorization: string;
  /** How many have their turn, and who waits for theirs. */
  #sent = 0;
  readonly #line: { readonly request: StorageRequest; readonly receiver: AnswerReceiver }[] = [];
  readonly #underWay = new Set<{
    readonly receiver: AnswerReceiver;
    readonly end: (reason: Ending) => void;
  }>();

  constructor(options: StorageRequestsOptions) {
    this.#options = options;
    this.#authorization = formatAuthorization(options.swissnum);
  }

  /**
   * A connection kept open may be closed by the other side in the moment in which it is used again. Every request of
   * the protocol may be repeated, so it is, once, on another connection. The first may have been done all the same,
   * only its answer lost.
   *
   * @param onRepeat called before a repetition, for requests that are answered differently then
   */
  async send(request: StorageRequest, onRepeat?: () => void): Promise<WholeAnswer> {
    try {
      return await this.#requestOnce(request);
    } catch (error) {
      if (!(error instanceof StorageServerError && isClosedConnection(error.cause))) throw error;
      onRepeat?.();
      return this.#requestOnce(request);
    }
  }

  /**
   * Ends the requests of which nothing was heard since a time, as `performance.now()` gives it: the server has not answered
   * to something else since then, and what is sent to it may have a long time.
   */
  endSilent(since: number): void {
    for (const { receiver, end } of this.#underWay) if (receiver.heardAt < since) end('timeout');
  }

  async #requestOnce(request: StorageRequest): Promise<WholeAnswer> {
    const { signal } = request;
    if (signal?.aborted) throw this.error('aborted', unwanted);
    const { messageLimit = maximumMessageSize } = request;
    const receiver = new AnswerReceiver(Math.max(request.limit ?? 0, messageLimit), request.room);
    let ended: Ending | undefined;
    const end = (reason: Ending) => {
      ended = reason;
      receiver.cancel(new Error(reason));
    };
    const onAbort = () => end('aborted');
    signal?.addEventListener('abort', onAbort, { once: true });
    const { within } = request;
    const deadline = deadlineOf(request);
    const underWay = { receiver, end };
    this.#underWay.add(underWay);
    const timer =
      within !== undefined && within < deadline
        ? setTimeout(() => end('impatience'), within)
        : setTimeout(() => end(this.#isInLine(receiver) ? 'crowd' : 'timeout'), deadline);
    try {
      this.#send(request, receiver);
      return this.#accepted(await receiver.answer);
    } catch (error) {
      if (ended === 'impatience')
        throw this.error('aborted', `did not answer within ${(within ?? 0) / 1000} s`, undefined, {
          cause: error,
        });
      // That says nothing of the server.
      if (ended === 'crowd')
        throw this.error('aborted', 'all connections to it were in use', undefined, { cause: error });
      throw this.#asError(error, ended);
    } finally {
      clearTimeout(timer);
      this.#underWay.delete(underWay);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #isInLine(receiver: AnswerReceiver): boolean {
    return this.#line.some((each) => each.receiver === receiver);
  }

  #send(request: StorageRequest, receiver: AnswerReceiver): void {
    if (request.atOnce) this.#dispatch(request, receiver);
    else if (this.#sent < requestsAtOnce) this.#sendInTurn(request, receiver);
    else this.#line.push({ request, receiver });
  }

  #sendInTurn(request: StorageRequest, receiver: AnswerReceiver): void {
    this.#sent++;
    const next = () => {
      this.#sent--;
      for (let first = this.#line.shift(); first; first = this.#line.shift()) {
        if (first.receiver.failed) continue;
        this.#sendInTurn(first.request, first.receiver);
        return;
      }
    };
    receiver.answer.then(next, next);
    this.#dispatch(request, receiver);
  }

  #dispatch(request: StorageRequest, receiver: AnswerReceiver): void {
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
      // A body alone may take longer than any time that is given here: such a request has a deadline by what it carries.
      const headersTimeout = body ? { headersTimeout: 0 } : {};
      if (!receiver.failed) pool.dispatch({ method, path, headers, body, ...headersTimeout }, receiver);
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
    throw this.error(status === 401 ? 'unauthorized' : 'refused', words, status);
  }

  /** What is in an answer. Throws StorageServerError, `malformed-answer`, where it is not what it should be. */
  decode<T>({ body, status }: WholeAnswer, decode: (bytes: Uint8Array) => T): T {
    try {
      return decode(body);
    } catch (error) {
      throw this.error('malformed-answer', (error as Error).message, status, { cause: error });
    }
  }

  #asError(error: unknown, ended: 'timeout' | 'aborted' | undefined): StorageServerError {
    if (error instanceof StorageServerError) return error;
    if (error instanceof AnswerTooLongError)
      return this.error('malformed-answer', error.message, undefined, { cause: error });
    const { message, code: reason = '' } = error as Error & { code?: string };
    const code = ended ?? (reason.endsWith('_TIMEOUT') ? 'timeout' : 'unreachable');
    const texts = {
      timeout: 'did not answer in time',
      aborted: unwanted,
      unreachable: message,
    };
    return this.error(code, texts[code], undefined, { cause: error });
  }

  /** An error of this server. */
  error(code: StorageServerError['code'], message: string, status?: number, options?: ErrorOptions) {
    return new StorageServerError(code, this.#options.nickname(), message, status, options);
  }
}

function deadlineOf({ deadline = shortDeadline, body, limit = 0 }: StorageRequest): number {
  return deadline + ((body?.length ?? 0) + limit) / leastPace;
}

function isClosedConnection(cause: unknown): boolean {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}
