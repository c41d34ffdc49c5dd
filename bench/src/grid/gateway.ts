import { Pool } from 'undici';
import { AnswerReader } from './answer-reader.js';

/** A web API under measurement: the same client for every gateway. */
export class Gateway implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #reader: AnswerReader;

  /** @param url without a slash at its end */
  constructor(
    readonly name: string,
    url: string,
  ) {
    this.#reader = new AnswerReader(url);
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

  /** Reads a file to its end; resolves to its size in bytes. Nothing is done with what comes. */
  async get(capability: string): Promise<number> {
    try {
      return await this.#reader.get(`/uri/${encodeURIComponent(capability)}`);
    } catch (cause) {
      throw new Error(`${this.name}: GET failed: ${(cause as Error).message}`, { cause });
    }
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
    this.#reader.close();
    await this.#pool.close();
  }
}
