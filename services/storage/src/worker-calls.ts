import { parentPort, Worker } from 'node:worker_threads';

interface Asked<Call> {
  readonly id: number;
  readonly call: Call;
}

type Answered<Result> =
  | { readonly id: number; readonly result: Result }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };

/** A thread could not do what it was asked. `code` is the system's, such as EIO. */
export class ThreadError extends Error {
  override readonly name = 'ThreadError';

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Waiting<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/** A thread of its own that answers calls one after the other. It is started with the first call, and anew if it ends. */
export class WorkerCalls<Call, Result> {
  readonly #file: URL;
  readonly #waiting = new Map<number, Waiting<Result>>();
  #thread: Worker | undefined;
  #lastId = 0;

  /** @param file the built program of the thread, which calls `answerCalls` */
  constructor(file: URL) {
    this.#file = file;
  }

  /** @throws ThreadError */
  call(call: Call): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#lastId++;
      this.#waiting.set(this.#lastId, { resolve, reject });
      this.#thread ??= this.#start();
      this.#thread.postMessage({ id: this.#lastId, call } satisfies Asked<Call>);
    });
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
    this.#thread = undefined;
  }

  #start(): Worker {
    // Not the options that this process was started with: some of them are for a main program only.
    const thread = new Worker(this.#file, { execArgv: [] });
    thread.on('message', (answer: Answered<Result>) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('result' in answer) waiting?.resolve(answer.result);
      else waiting?.reject(new ThreadError(answer.error.code, answer.error.message));
    });
    thread.on('error', (error) => this.#ended(thread, error));
    thread.on('exit', () =>
      this.#ended(thread, new ThreadError('EIO', 'a thread of this process has ended')),
    );
    thread.unref();
    return thread;
  }

  #ended(thread: Worker, error: Error): void {
    // Its exit follows its error, when another thread may be at work already.
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** The thread's side: answers each call with what `work` returns, or with the system's error that it throws. */
export function answerCalls<Call, Result>(work: (call: Call) => Result): void {
  parentPort?.on('message', ({ id, call }: Asked<Call>) => {
    let answer: Answered<Result>;
    try {
      answer = { id, result: work(call) };
    } catch (error) {
      const { code = 'EIO', message } = error as NodeJS.ErrnoException;
      answer = { id, error: { code, message } };
    }
    parentPort?.postMessage(answer);
  });
}
