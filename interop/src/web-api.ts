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
}
