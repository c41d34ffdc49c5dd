import { randomBytes } from 'node:crypto';
import {
  decodeAllocateAnswer,
  encodeAllocateRequest,
  formatAuthorization,
  formatContentRange,
  formatSecrets,
  type SecretKind,
  storageRoutes,
} from '@holdfast/lafs';
import { Agent, type Dispatcher } from 'undici';

const secrets: Readonly<Record<Exclude<SecretKind, 'write-enabler'>, Uint8Array>> = {
  'lease-renew-secret': randomBytes(32),
  'lease-cancel-secret': randomBytes(32),
  'upload-secret': randomBytes(32),
};

/** Clients of a storage server, over TLS connections that are kept. */
export class StorageClients implements AsyncDisposable {
  readonly #agent = new Agent({ connect: { rejectUnauthorized: false } });
  readonly #origin: string;
  readonly #authorization: string;

  constructor(origin: string, credential: string) {
    this.#origin = origin;
    this.#authorization = formatAuthorization(credential);
  }

  async renew(storageIndex: Uint8Array): Promise<void> {
    const { 'upload-secret': _, ...lease } = secrets;
    await this.#request(204, 'PUT', storageRoutes.renewLease.path({ storageIndex }), lease);
  }

  /** Allocates a share and writes it whole, which closes it. */
  async store(storageIndex: Uint8Array, data: Uint8Array): Promise<void> {
    const answer = await this.#request(
      200,
      'POST',
      storageRoutes.allocateShares.path({ storageIndex }),
      secrets,
      { 'content-type': 'application/cbor' },
      encodeAllocateRequest({ shareNumbers: new Set([0]), allocatedSize: data.length }),
    );
    if (decodeAllocateAnswer(answer).allocated.size !== 1) throw new Error('a share was not granted');
    await this.#request(
      201,
      'PATCH',
      storageRoutes.writeShare.path({ storageIndex, shareNumber: 0 }),
      { 'upload-secret': secrets['upload-secret'] },
      { 'content-range': formatContentRange({ begin: 0, end: data.length }) },
      data,
    );
  }

  /** Reads a share whole; gives its bytes. */
  read(storageIndex: Uint8Array): Promise<Uint8Array> {
    return this.#request(200, 'GET', storageRoutes.readShare.path({ storageIndex, shareNumber: 0 }), {});
  }

  async #request(
    expected: number,
    method: Dispatcher.HttpMethod,
    path: string,
    sent: Partial<Record<SecretKind, Uint8Array>>,
    headers: Record<string, string> = {},
    content: Uint8Array | null = null,
  ): Promise<Uint8Array> {
    const { statusCode, body } = await this.#agent.request({
      origin: this.#origin,
      path,
      method,
      headers: {
        authorization: this.#authorization,
        accept: 'application/cbor',
        'x-tahoe-authorization': formatSecrets(sent),
        ...headers,
      },
      body: content,
    });
    const bytes = new Uint8Array(await body.arrayBuffer());
    if (statusCode !== expected) throw new Error(`${method} answered ${statusCode}: ${Buffer.from(bytes)}`);
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}
