import type { StorageServer } from '../connections/storage-server.js';

/** Bytes collected before they are sent in one request; measured in `bench`: smaller costs requests, larger memory. */
const requestSize = 512 * 1024;

/** A share on its way to one server. Its bytes are given in order; they are sent in pieces, one request at a time. */
export class ShareUpload {
  #pending: Uint8Array[] = [];
  #pendingSize = 0;
  #offset = 0;
  #sending: Promise<void> = Promise.resolve();
  #complete = false;
  #failure: Error | undefined;

  constructor(
    readonly shareNumber: number,
    readonly server: StorageServer,
    private readonly storageIndex: Uint8Array,
    private readonly uploadSecret: Uint8Array,
  ) {}

  /** Why the server does not get this share; undefined while all is well. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Takes the next bytes of the share. Resolves when the piece before them has been stored, so that at most two
   * pieces are in memory. A failure is remembered, not thrown: the other shares go on.
   */
  async append(...parts: Uint8Array[]): Promise<void> {
    for (const part of parts) {
      this.#pending.push(part);
      this.#pendingSize += part.length;
    }
    if (this.#pendingSize >= requestSize) await this.#flush();
  }

  /** Sends what is left and waits; resolves to whether the server has stored the whole share. */
  async finish(): Promise<boolean> {
    await this.#flush();
    await this.#sending;
    if (!this.#failure && !this.#complete) {
      this.#failure = new Error(`${this.server.nickname}: the share is not complete after its last byte`);
    }
    return this.#complete;
  }

  /** Gives the share up, at the server too. */
  async abort(reason: Error): Promise<void> {
    this.#failure ??= reason;
    await this.#sending;
    if (!this.#complete) await this.server.abort(this.storageIndex, this.shareNumber, this.uploadSecret);
  }

  async #flush(): Promise<void> {
    const parts = this.#pending;
    const size = this.#pendingSize;
    this.#pending = [];
    this.#pendingSize = 0;
    await this.#sending;
    if (this.#failure || size === 0) return;
    const offset = this.#offset;
    this.#offset += size;
    const data = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, size);
    this.#sending = this.server
      .write(this.storageIndex, this.shareNumber, offset, data, this.uploadSecret)
      .then((complete) => {
        this.#complete = complete;
      })
      .catch((error: Error) => {
        this.#failure ??= error;
      });
  }
}
