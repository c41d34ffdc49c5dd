import type { IncomingHttpHeaders } from 'node:http';
import { copyBytes } from '@holdfast/erasure';
import type { Dispatcher } from 'undici';

/** An answer with its body in one piece. */
export interface WholeAnswer {
  readonly status: number;
  /** By their names in small letters. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** An answer was longer than was expected, in one line. It was not read to its end. */
export class AnswerTooLongError extends Error {
  override readonly name = 'AnswerTooLongError';
  readonly code = 'answer-too-long';

  /**
   * @param limit bytes that were expected at most
   * @param announced bytes that it was to have; undefined where nothing said so, and it only went on
   */
  constructor(
    readonly limit: number,
    readonly announced?: number,
  ) {
    super(
      announced === undefined
        ? `answered with more than the ${limit} bytes expected`
        : `answered with ${announced} bytes; at most ${limit} were expected`,
    );
  }
}

/**
 * Takes the answer to one request in, its body copied once. There is no stream between: nothing of one is used here, most
 * answers come in one chunk, and without it a broker used a tenth less processor time for checks of small files.
 */
export class AnswerReceiver implements Dispatcher.DispatchHandler {
  /** @throws AnswerTooLongError, what the request fails with, or what it was cancelled for */
  readonly answer: Promise<WholeAnswer>;
  readonly #limit: number;
  readonly #room: Uint8Array | undefined;
  #resolve: (answer: WholeAnswer) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #failedFor: Error | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  /** Where the answer said how long it is. */
  #whole: Uint8Array | undefined;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #heardAt = performance.now();

  /**
   * @param limit most bytes of a body that are read
   * @param room where a body of just its size goes; nothing is written to it after the answer has failed
   */
  constructor(limit: number, room?: Uint8Array) {
    this.#limit = limit;
    this.#room = room;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** When something of it came last, as `performance.now()` gives it; where nothing has, when it was asked for. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Whether it has ended without an answer. */
  get failed(): boolean {
    return this.#failedFor !== undefined;
  }

  /** Ends the request, also while it still waits for a connection. */
  cancel(reason: Error): void {
    this.#failedFor ??= reason;
    this.#controller?.abort(reason);
    this.#reject(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failedFor) controller.abort(this.#failedFor);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // Word that the answer will come.
    if (status < 200) return;
    this.#heardAt = performance.now();
    this.#status = status;
    this.#headers = headers;
    const announced = Number(headers['content-length'] ?? Number.NaN);
    if (announced > this.#limit) this.cancel(new AnswerTooLongError(this.#limit, announced));
    else if (announced === this.#room?.length) this.#whole = this.#room;
    else if (Number.isInteger(announced)) this.#whole = Buffer.allocUnsafeSlow(announced);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    // Its room may be in other hands.
    if (this.#failedFor) return;
    this.#heardAt = performance.now();
    if (this.#size + chunk.length > this.#limit) {
      this.cancel(new AnswerTooLongError(this.#limit));
      return;
    }
    if (this.#whole) copyBytes(chunk, this.#whole, this.#size);
    else this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  onResponseEnd(): void {
    const body = this.#whole?.subarray(0, this.#size) ?? Buffer.concat(this.#chunks, this.#size);
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#failedFor ??= error;
    this.#reject(error);
  }
}
