import { type FileQuestion, mostFilesAsked, mostWholeShareBytes, type SharesAnswer } from '@holdfast/lafs';
import { StorageServerError } from '../errors.js';
import { Asker, type Patience, whileAwaited } from './asker.js';
import type { StorageServer } from './storage-server.js';

/** How one server is asked: each of these is a request of its own, which is made in its turn. */
export interface QuestionPort extends Pick<StorageServer, 'findShares' | 'listShares'> {
  readonly nickname: () => string;
  readonly findMany: () => boolean;
  readonly readWhole: (...request: Parameters<StorageServer['listShares']>) => Promise<SharesAnswer>;
  /** Makes a request when it is its turn. */
  readonly inTurn: <T>(signal: AbortSignal | undefined, request: () => Promise<T>) => Promise<T>;
}

/** Somebody who asks about a file. */
type FileAsker = Asker<FileQuestion, SharesAnswer>;

/** Milliseconds that a request under way keeps further questions waiting, to go together with the next. */
const waitedFor = 100;

/** Most requests under way at a time, where the server is slow: each must be answered by its deadline. */
const mostRequests = 8;

/** Files of one request that are then asked for by themselves at a time. */
const askedByThemselves = 8;

/** Statuses that speak of what was asked. */
const badRequest: ReadonlySet<number> = new Set([400, 413, 500]);

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
  #waiting: FileAsker[] = [];
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
    if (!this.#port.findMany())
      return this.#port.inTurn(signal, () => this.#port.listShares(storageIndex, signal, within));
    return (await this.#ask({ storageIndex, most: 0 }, { signal, within })).others;
  }

  /** As `readWhole` of a server, which must have it. */
  async readWhole(
    storageIndex: Uint8Array,
    signal?: AbortSignal,
    within?: number,
    most?: number,
  ): Promise<SharesAnswer> {
    if (!this.#port.findMany() || most === undefined)
      return this.#port.inTurn(signal, () => this.#port.readWhole(storageIndex, signal, within));
    return this.#ask({ storageIndex, most: Math.min(most, mostWholeShareBytes) }, { signal, within });
  }

  #ask(question: FileQuestion, patience: Patience): Promise<SharesAnswer> {
    const asker: FileAsker = new Asker(question, patience, this.#port.nickname);
    if (asker.waits) {
      asker.onLeave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== asker);
      };
      this.#waiting.push(asker);
      this.#beginSoon();
    }
    return asker.answer;
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

  #next(): FileAsker[] {
    let [count, wanted] = [0, 0];
    for (const { question } of this.#waiting) {
      wanted += question.most;
      if (count > 0 && (count === mostFilesAsked || wanted > mostWanted)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #send(askers: readonly FileAsker[]): void {
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

  /**
   * Never rejects. Files that the server could not speak of in its answer to several, and all of a request that it could
   * not answer, are asked for one by one, so that none is held up by the others.
   */
  async #askAll(all: readonly FileAsker[]): Promise<void> {
    const askers = all.filter(({ waits }) => waits);
    const [first] = askers;
    if (!first) return;
    const isAlone = askers.length === 1;
    if (isAlone && first.question.most === 0) return this.#list(first);
    const questions = askers.map(({ question }) => question);
    try {
      const answers = await this.#askInTurn(askers, (signal) => this.#port.findShares(questions, signal));
      for (const [index, asker] of askers.entries()) {
        const answer = answers[index];
        if (answer) asker.give(answer);
      }
    } catch (error) {
      if (isAlone || !isOfTheRequest(error)) {
        for (const asker of askers) asker.fail(error);
        return;
      }
    }
    if (isAlone) await this.#list(first);
    else await this.#askEach(askers);
  }

  /** Asks one by one for the files of those that still wait, some at a time: the server may have much to do. */
  async #askEach(askers: readonly FileAsker[]): Promise<void> {
    const waiting = askers.filter(({ waits }) => waits);
    const askInTurn = async () => {
      for (let asker = waiting.shift(); asker; asker = waiting.shift()) await this.#askAll([asker]);
    };
    await Promise.all(Array.from({ length: askedByThemselves }, askInTurn));
  }

  /** Asks for a file's share numbers by itself, the least that can be asked. Never rejects. */
  async #list(asker: FileAsker): Promise<void> {
    if (!asker.waits) return;
    try {
      const { storageIndex } = asker.question;
      const others = await this.#askInTurn([asker], (signal) => this.#port.listShares(storageIndex, signal));
      asker.give({ shares: new Map(), others });
    } catch (error) {
      asker.fail(error);
    }
  }

  /** Asks what several wait for, in its turn; that is the time which they give the server. */
  async #askInTurn<T>(
    askers: readonly FileAsker[],
    request: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await whileAwaited(askers, (signal) =>
        this.#port.inTurn(signal, () => {
          for (const asker of askers) asker.begin();
          return request(signal);
        }),
      );
    } finally {
      for (const asker of askers) asker.pause();
    }
  }
}

/** Whether it may be the request that is wrong. One that has too much to do, or cannot be reached, is not asked again. */
function isOfTheRequest(error: unknown): boolean {
  if (!(error instanceof StorageServerError)) return false;
  return error.code === 'malformed-answer' || badRequest.has(error.status ?? 0);
}
