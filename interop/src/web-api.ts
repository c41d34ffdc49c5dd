/** The part of the web API that both gateways have, as a client sees it. */
export class WebApi {
  /** @param url without a slash at its end */
  constructor(private readonly url: string) {}

  /** Stores a file; resolves to its capability. */
  async put(content: Uint8Array): Promise<string> {
    const response = await fetch(`${this.url}/uri`, {
      method: 'PUT',
      body: content as Uint8Array<ArrayBuffer>,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`PUT answered ${response.status}: ${text}`);
    return text;
  }

  async get(capability: string): Promise<Buffer> {
    const response = await fetch(`${this.url}/uri/${encodeURIComponent(capability)}`);
    if (!response.ok) throw new Error(`GET answered ${response.status}: ${await response.text()}`);
    return Buffer.from(await response.arrayBuffer());
  }

  /** Stores a mutable file; resolves to its capability. */
  putMutable(content: Uint8Array, format: 'sdmf' | 'mdmf'): Promise<string> {
    return this.#text('PUT', `/uri?format=${format}`, content);
  }

  /** Replaces the content of a mutable file, or part of it from `offset` on. */
  async overwrite(capability: string, content: Uint8Array, offset?: number): Promise<void> {
    const query = offset === undefined ? '' : `?offset=${offset}`;
    await this.#text('PUT', `/uri/${encodeURIComponent(capability)}${query}`, content);
  }

  /** Makes an empty directory; resolves to its capability. */
  makeDirectory(format: 'sdmf' | 'mdmf' = 'sdmf'): Promise<string> {
    return this.#text('POST', `/uri?t=mkdir&format=${format}`);
  }

  /** Stores an immutable file in a directory; resolves to its capability. */
  putInto(directory: string, name: string, content: Uint8Array): Promise<string> {
    return this.#text('PUT', childPath(directory, name), content);
  }

  async unlink(directory: string, name: string): Promise<void> {
    await this.#text('DELETE', childPath(directory, name));
  }

  async rename(directory: string, from: string, to: string): Promise<void> {
    const query = new URLSearchParams({ t: 'rename', from_name: from, to_name: to });
    await this.#text('POST', `/uri/${encodeURIComponent(directory)}/?${query}`);
  }

  /** The names in a directory and the capabilities by which they are read, in order. */
  async names(directory: string): Promise<[name: string, capability: string][]> {
    const [, { children }] = JSON.parse(
      await this.#text('GET', `/uri/${encodeURIComponent(directory)}?t=json`),
    ) as [string, { children: Record<string, [string, { ro_uri: string }]> }];
    return Object.entries(children)
      .map(([name, [, { ro_uri }]]): [string, string] => [name, ro_uri])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async #text(method: string, path: string, body?: Uint8Array): Promise<string> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      ...(body ? { body: body as Uint8Array<ArrayBuffer> } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} answered ${response.status}: ${text}`);
    return text;
  }
}

function childPath(directory: string, name: string): string {
  return `/uri/${encodeURIComponent(directory)}/${encodeURIComponent(name)}`;
}
