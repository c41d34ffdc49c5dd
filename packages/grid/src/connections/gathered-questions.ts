import { type FileQuestion, mostFilesAsked, mostWholeShareBytes, type SharesAnswer } from '@holdfast/lafs';
import { StorageServerError } from '../errors.js';
import type { StorageServer } from './storage-server.js';

/** How one server is asked: each of these is a request of its own. */
export interface QuestionPort extends Pick<StorageServer, 'findShares' | 'listShares'> {
  readonly nickname: () => string;
  readonly findMany: () => boolean;
  readonly readWhole: (...request: Parameters<StorageServer['listShares']>) => Promise<SharesAnswer>;
}

/** Somebody who waits for an answer. */
interface Asker {
  readonly question: FileQuestion;
  readonly signal: AbortSignal | undefined;
  readonly within: number | undefined;
  readonly resolve: (answer: SharesAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Milliseconds that a request under way keeps further questions waiting, to go together with the next. */
const waitedFor = 100;

/** Most requests under way at a time, where the server is slow: each must be answered by its deadline. */
const mostRequests = 8;

/**
 * Most bytes that all files of a request may be wanted with. Several times as much as an answer has room for: what is
 * wanted of a file is for shares of which each server holds only some.
 */
const mostWanted = 2 * 1024 * 1024;

/**
 * The questions to one server which shares it holds, of whoever has some at the time: those that are put in one turn of the
 * event loop, or while a request is under way, go in one request together. So the more files are asked for at once, the
 * less each costs, and a question by itself waits for nothing. A request that is slow, or is never answered, holds nobody
 * up for long. A server that cannot be asked so is asked for each by itself.
 */
export class GatheredQuestions {
  readonly #port: QuestionPort;
  #waiting: Asker[] = [];
  #underWay = 0;
  /** How many of those have not kept others waiting for long. */
  #waitedFor = 0;
  #begins = false;

  constructor(port: QuestionPort) {
    this.#port = port;
  }

  /** As `listShares` of a server. */
  async listShares(
    storageIndex: Uint8Array,
    signal?: AbortSignal,
    within?: number,
  ): Promise<ReadonlySet<number>> {
    if (!this.#port.findMany()) return this.#port.listShares(storageIndex, signal, within);
    return (await this.#ask({ storageIndex, most: 0 }, signal, within)).others;
  }

  /** As `readWhole` of a server, which must have it. */
  async readWhole(
    storageIndex: Uint8Array,
    signal?: AbortSignal,
    within?: number,
    most?: number,
  ): Promise<SharesAnswer> {
    if (!this.#port.findMany() || most === undefined)
      return this.#port.readWhole(storageIndex, signal, within);
    return this.#ask({ storageIndex, most: Math.min(most, mostWholeShareBytes) }, signal, within);
  }

  #ask(
    question: FileQuestion,
    signal: AbortSignal | undefined,
    within: number | undefined,
  ): Promise<SharesAnswer> {
    if (signal?.aborted) return Promise.reject(this.#unwanted());
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== asker);
        reject(this.#unwanted());
      };
      const asker: Asker = {
        question,
        signal,
        within,
        resolve: (answer) => {
          signal?.removeEventListener('abort', leave);
          resolve(answer);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', leave);
          reject(error);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.push(asker);
      this.#beginSoon();
    });
  }

  #beginSoon(): void {
    if (this.#begins || !this.#mayBegin()) return;
    this.#begins = true;
    setImmediate(() => {
      this.#begins = false;
      if (this.#mayBegin()) this.#send(this.#next());
    });
  }

  #mayBegin(): boolean {
    return this.#waiting.length > 0 && this.#waitedFor === 0 && this.#underWay < mostRequests;
  }

  #next(): Asker[] {
    let [count, wanted] = [0, 0];
    for (const { question } of this.#waiting) {
      wanted += question.most;
      if (count > 0 && (count === mostFilesAsked || wanted > mostWanted)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #send(askers: readonly Asker[]): void {
    this.#underWay++;
    this.#waitedFor++;
    let isWaitedFor = true;
    const waitNoMore = () => {
      if (isWaitedFor) this.#waitedFor--;
      isWaitedFor = false;
      this.#beginSoon();
    };
    const slow = setTimeout(waitNoMore, waitedFor);
    this.#askAll(askers).finally(() => {
      clearTimeout(slow);
      this.#underWay--;
      waitNoMore();
    });
  }

  /** Never rejects. */
  async #askAll(askers: readonly Asker[]): Promise<void> {
    const [first] = askers;
    if (askers.length === 1 && first?.question.most === 0) return this.#askAlone(first);
    const wanted = new Wanted(askers);
    try {
      const questions = askers.map(({ question }) => question);
      const answers = await this.#port.findShares(questions, wanted.signal, wanted.within);
      for (const [index, asker] of askers.entries()) {
        const answer = answers[index];
        if (answer) asker.resolve(answer);
        else void this.#askAlone(asker);
      }
    } catch (error) {
      for (const { reject } of askers) reject(error);
    } finally {
      wanted.release();
    }
  }

  async #askAlone({ question, signal, within, resolve, reject }: Asker): Promise<void> {
    const { storageIndex, most } = question;
    const answer =
      most > 0
        ? this.#port.readWhole(storageIndex, signal, within)
        : this.#port.listShares(storageIndex, signal, within).then(onlyNumbers);
    await answer.then(resolve, reject);
  }

  #unwanted(): StorageServerError {
    return new StorageServerError('aborted', this.#port.nickname(), 'nobody waits for the answer any more');
  }
}

function onlyNumbers(others: ReadonlySet<number>): SharesAnswer {
  return { shares: new Map(), others };
}

/** How long a request is wanted that several wait for: until none of them does. */
class Wanted {
  readonly #ending = new AbortController();
  readonly #signals: readonly AbortSignal[];
  #left: number;

  constructor(private readonly askers: readonly Asker[]) {
    this.#signals = askers.flatMap(({ signal }) => signal ?? []);
    this.#left = askers.length;
    for (const signal of this.#signals) signal.addEventListener('abort', this.#leave, { once: true });
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** The longest that one of them gives the server; undefined where one gives it as long as usual. */
  get within(): number | undefined {
    const each = this.askers.map(({ within }) => within ?? Number.POSITIVE_INFINITY);
    const longest = Math.max(...each);
    return Number.isFinite(longest) ? longest : undefined;
  }

  release(): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#leave);
  }

  readonly #leave = (): void => {
    this.#left--;
    if (this.#left === 0) this.#ending.abort();
  };
}
