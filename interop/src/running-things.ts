/** What has been started and must be ended, last first. (Node 20 has no AsyncDisposableStack.) */
export class RunningThings implements AsyncDisposable {
  #ends: (() => PromiseLike<void>)[] = [];

  /** Remembers to end `thing`, and gives it back. */
  add<T extends AsyncDisposable>(thing: T): T {
    this.#ends.push(() => thing[Symbol.asyncDispose]());
    return thing;
  }

  /** Remembers to call `end`. */
  end(end: () => PromiseLike<void>): void {
    this.#ends.push(end);
  }

  /** Hands all of it over: ending this then ends nothing, and ending what is returned ends it. */
  handOver(): RunningThings {
    const taker = new RunningThings();
    taker.#ends = this.#ends;
    this.#ends = [];
    return taker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let end = this.#ends.pop(); end; end = this.#ends.pop()) await end();
  }
}
