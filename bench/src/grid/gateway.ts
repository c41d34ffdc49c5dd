import { Pool } from 'undici';

/** A web API under measurement: the same client for every gateway. */
export class Gateway implements AsyncDisposable {
  readonly #pool: Pool;

  /** @param url without a slash at its end */
  constructor(
    readonly name: string,
    url: string,
  ) {
    this.#pool = new Pool(url, {
      connections: 16,
      pipelining: 1,
      bodyTimeout: 600_000,
      headersTimeout: 600_000,
    });
  }

  /** Stores a file; resolves to its capability. */
  async put(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
    const { statusCode, body } = await this.#pool.request({
      method: 'PUT',
      path: '/uri',
      body: content as Uint8Array,
    });
    const text = await body.text();
    if (statusCode >= 300) throw new Error(`${this.name}: PUT answered ${statusCode}: ${text}`);
    return text;
  }

  /**
   * Reads a file to its end; resolves to its size in bytes. Nothing is done with what comes: what measures is to take as
   * little as it can of the cores that it measures on.
   */
  get(capability: string): Promise<number> {
    return new Promise((resolve, reject) => {
      let status = 0;
      let size = 0;
      const path = `/uri/${encodeURIComponent(capability)}`;
      this.#pool.dispatch(
        { method: 'GET', path },
        {
          onRequestStart: () => undefined,
          onResponseStart: (_controller, statusCode) => {
            status = statusCode;
          },
          onResponseData: (_controller, chunk) => {
            size += chunk.length;
          },
          onResponseEnd: () => {
            if (status < 300) resolve(size);
            else reject(new Error(`${this.name}: GET answered ${status}`));
          },
          onResponseError: (_controller, error) => reject(error),
        },
      );
    });
  }

  /** Checks a file; resolves when the gateway has said how it is. */
  async check(capability: string): Promise<void> {
    await this.#look(capability, 't=check&output=json');
  }

  /** Reads every byte of every share of a file. */
  async verify(capability: string): Promise<void> {
    await this.#look(capability, 't=check&verify=true&output=json');
  }

  /**
   * Checks a file, and repairs it where it needs it.
   *
   * @throws Error where it did not need it, or is not healthy after it
   */
  async repair(capability: string): Promise<void> {
    const answer = await this.#look(capability, 't=check&repair=true&output=json');
    const { 'repair-attempted': attempted, 'repair-successful': successful } = answer;
    if (!attempted || !successful) throw new Error(`${this.name}: a repair did not succeed`);
  }

  async #look(capability: string, query: string): Promise<Record<string, unknown>> {
    const { statusCode, body } = await this.#pool.request({
      method: 'POST',
      path: `/uri/${encodeURIComponent(capability)}?${query}`,
    });
    const text = await body.text();
    if (statusCode >= 300) throw new Error(`${this.name}: POST answered ${statusCode}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }
}
