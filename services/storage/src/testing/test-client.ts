import { randomBytes } from 'node:crypto';
import {
  type ByteRange,
  decodeAllocateAnswer,
  decodeFindAnswer,
  decodeReadTestWriteAnswer,
  decodeShareNumbers,
  decodeSharesAnswer,
  decodeStoreAnswer,
  encodeAllocateRequest,
  encodeFindRequest,
  encodeReadTestWriteRequest,
  encodeStoreRequest,
  type FileQuestion,
  formatAuthorization,
  formatContentRange,
  formatRange,
  formatSecrets,
  type ReadTestWriteAnswer,
  type ReadVector,
  type SecretKind,
  type ShareAddress,
  type ShareChange,
  storageRoutes,
  type WholeShares,
} from '@holdfast/lafs';
import { Agent, type Dispatcher } from 'undici';

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

/** The write enabler of the slots that the test client makes. */
export const writeEnabler = randomBytes(32);

/** What one client keeps secret. */
export const secrets = {
  'lease-renew-secret': randomBytes(32),
  'lease-cancel-secret': randomBytes(32),
  'upload-secret': randomBytes(20),
} as const;

/** What a client wants of one share of a slot: nothing where it says nothing. */
export type Change = Partial<ShareChange>;

/** A client that does what it is told, also what no good client does. */
export class TestClient implements AsyncDisposable {
  readonly #agent = new Agent({ connect: { rejectUnauthorized: false } });
  readonly origin: string;
  readonly swissnum: string;

  constructor(origin: string, swissnum: string) {
    this.origin = origin;
    this.swissnum = swissnum;
  }

  async request(
    method: string,
    path: string,
    options: {
      readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
      readonly secrets?: Partial<Record<SecretKind, Uint8Array>>;
      readonly body?: Dispatcher.DispatchOptions['body'];
    } = {},
  ): Promise<Answer> {
    const all: Record<string, string | string[] | undefined> = {
      authorization: formatAuthorization(this.swissnum),
      accept: 'application/cbor',
      'x-tahoe-authorization': formatSecrets(options.secrets ?? {}),
      ...options.headers,
    };
    const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    const {
      statusCode,
      headers: answered,
      body,
    } = await this.#agent.request({
      origin: this.origin,
      path,
      method: method as Dispatcher.HttpMethod,
      headers,
      body: options.body ?? null,
    });
    return { status: statusCode, headers: answered, body: new Uint8Array(await body.arrayBuffer()) };
  }

  allocate(
    storageIndex: Uint8Array,
    shareNumbers: readonly number[],
    size: number,
    uploadSecret?: Uint8Array,
  ) {
    return this.request('POST', storageRoutes.allocateShares.path({ storageIndex }), {
      headers: { 'content-type': 'application/cbor' },
      secrets: { ...secrets, ...(uploadSecret ? { 'upload-secret': uploadSecret } : {}) },
      body: encodeAllocateRequest({ shareNumbers: new Set(shareNumbers), allocatedSize: size }),
    });
  }

  /** Allocates, and gives the numbers that were allocated. */
  async allocated(
    storageIndex: Uint8Array,
    shareNumbers: readonly number[],
    size: number,
  ): Promise<number[]> {
    const { status, body } = await this.allocate(storageIndex, shareNumbers, size);
    if (status !== 200) throw new Error(`allocate answered ${status}`);
    return [...decodeAllocateAnswer(body).allocated];
  }

  write(
    share: ShareAddress,
    range: ByteRange,
    body: Dispatcher.DispatchOptions['body'],
    uploadSecret?: Uint8Array,
  ) {
    return this.request('PATCH', storageRoutes.writeShare.path(share), {
      headers: { 'content-range': formatContentRange(range) },
      secrets: { 'upload-secret': uploadSecret ?? secrets['upload-secret'] },
      body,
    });
  }

  abort(share: ShareAddress, uploadSecret?: Uint8Array) {
    return this.request('PUT', storageRoutes.abortUpload.path(share), {
      secrets: { 'upload-secret': uploadSecret ?? secrets['upload-secret'] },
    });
  }

  /** Stores a share whole. */
  async store(share: ShareAddress, data: Uint8Array): Promise<void> {
    await this.allocated(share.storageIndex, [share.shareNumber], data.length);
    const { status } = await this.write(share, { begin: 0, end: data.length }, data);
    if (status !== 201) throw new Error(`write answered ${status}`);
  }

  /** Stores small shares by the extension `whole-shares`. */
  async storeWhole(storageIndex: Uint8Array, shares: WholeShares) {
    const { 'upload-secret': _, ...lease } = secrets;
    const { status, body } = await this.request(
      'POST',
      storageRoutes.storeWholeShares.path({ storageIndex }),
      {
        headers: { 'content-type': 'application/cbor' },
        secrets: lease,
        body: encodeStoreRequest(shares),
      },
    );
    if (status !== 200) throw new Error(`storing whole shares answered ${status}`);
    return decodeStoreAnswer(body);
  }

  /** The shares of a storage index, small ones with their data. */
  async readWhole(storageIndex: Uint8Array) {
    const path = storageRoutes.readWholeShares.path({ storageIndex });
    return decodeSharesAnswer((await this.request('GET', path)).body);
  }

  /** What there is of many files, by the extension `find-many`. */
  async find(questions: readonly FileQuestion[]) {
    const { status, body } = await this.askForMany(encodeFindRequest(questions));
    if (status !== 200) throw new Error(`finding shares answered ${status}`);
    return decodeFindAnswer(body, questions.length);
  }

  /** Sends what may be no such question. */
  askForMany(body: Uint8Array, headers: Readonly<Record<string, string>> = {}) {
    return this.request('POST', storageRoutes.findShares.path({}), {
      headers: { 'content-type': 'application/cbor', ...headers },
      body,
    });
  }

  async list(storageIndex: Uint8Array): Promise<number[]> {
    const { body } = await this.request('GET', storageRoutes.listShares.path({ storageIndex }));
    return [...decodeShareNumbers(body)].sort((a, b) => a - b);
  }

  read(share: ShareAddress, range?: ByteRange | string) {
    const header = range === undefined || typeof range === 'string' ? range : formatRange(range);
    return this.request('GET', storageRoutes.readShare.path(share), { headers: { range: header } });
  }

  renew(storageIndex: Uint8Array) {
    const { 'upload-secret': _, ...lease } = secrets;
    return this.request('PUT', storageRoutes.renewLease.path({ storageIndex }), { secrets: lease });
  }

  /** Sends a read-test-write request; `changes` by share number. */
  async slot(
    storageIndex: Uint8Array,
    changes: Readonly<Record<number, Change>>,
    options: { readonly read?: readonly ReadVector[]; readonly writeEnabler?: Uint8Array } = {},
  ): Promise<Answer & { readonly result: ReadTestWriteAnswer }> {
    const { 'upload-secret': _, ...lease } = secrets;
    const answer = await this.request('POST', storageRoutes.readTestWrite.path({ storageIndex }), {
      headers: { 'content-type': 'application/cbor' },
      secrets: { ...lease, 'write-enabler': options.writeEnabler ?? writeEnabler },
      body: encodeReadTestWriteRequest({
        changes: new Map(
          Object.entries(changes).map(([shareNumber, change]) => [
            Number(shareNumber),
            { test: [], write: [], newLength: null, ...change },
          ]),
        ),
        read: options.read ?? [],
      }),
    });
    return {
      ...answer,
      // Of an error there is none; a test that looks at it then fails by itself.
      get result() {
        return decodeReadTestWriteAnswer(answer.body, 1_000_000_000);
      },
    };
  }

  /** Writes the whole of a mutable share that may be there. */
  async storeMutable(share: ShareAddress, data: Uint8Array): Promise<void> {
    const { status } = await this.slot(share.storageIndex, {
      [share.shareNumber]: { write: [{ offset: 0, data }], newLength: data.length || null },
    });
    if (status !== 200) throw new Error(`read-test-write answered ${status}`);
  }

  async listMutable(storageIndex: Uint8Array): Promise<number[]> {
    const { body } = await this.request('GET', storageRoutes.listMutableShares.path({ storageIndex }));
    return [...decodeShareNumbers(body)].sort((a, b) => a - b);
  }

  readMutable(share: ShareAddress, range?: ByteRange | string) {
    const header = range === undefined || typeof range === 'string' ? range : formatRange(range);
    return this.request('GET', storageRoutes.readMutableShare.path(share), { headers: { range: header } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}
