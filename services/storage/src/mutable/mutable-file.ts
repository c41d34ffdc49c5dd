import { type FileHandle, open } from 'node:fs/promises';
import {
  type ByteRange,
  longestContainerHeader,
  MalformedContainerError,
  type MutableContainerLayout,
  type MutableLeaseRecord,
  parseAnyContainerHeader,
  parseExtraLeases,
} from '@holdfast/lafs';
import { DamagedShareError, damageIn, ShareCutShortError } from '../damage/damage-in.js';
import type { StoredShare } from '../share-backend/share-backend.js';

/** Most bytes of leases that are read: a container has as many as accounts have written it. */
const mostLeaseBytes = 1024 * 1024;

/**
 * A mutable share's file, open for reading. It is never changed: a new version is a new file under the same name. So
 * whoever has it open reads one version, whatever is written meanwhile.
 */
export class MutableFile implements StoredShare {
  readonly #file: FileHandle;
  readonly #fileSize: number;
  readonly layout: MutableContainerLayout;

  readonly #onDamage: (problem: string) => void;

  private constructor(
    file: FileHandle,
    fileSize: number,
    layout: MutableContainerLayout,
    onDamage: (problem: string) => void,
  ) {
    this.#onDamage = onDamage;
    this.#file = file;
    this.#fileSize = fileSize;
    this.layout = layout;
  }

  /**
   * Opens the share at a path; undefined where there is none. Call `close` when done.
   *
   * @param onDamage told of what turns out to be damaged in later reading, which throws DamagedShareError then
   * @throws MalformedContainerError, with the code `other-kind` where the share is immutable
   */
  static async open(path: string, onDamage: (problem: string) => void): Promise<MutableFile | undefined> {
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
    try {
      const header = Buffer.alloc(longestContainerHeader);
      const [{ size }, { bytesRead }] = await Promise.all([
        file.stat(),
        file.read(header, 0, header.length, 0),
      ]);
      const layout = parseAnyContainerHeader(header.subarray(0, bytesRead), size);
      if (layout.kind === 'immutable') {
        throw new MalformedContainerError('other-kind', 'a mutable container');
      }
      return new MutableFile(file, size, layout, onDamage);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes of data. */
  get size(): number {
    return this.layout.dataSize;
  }

  read({ begin, end }: ByteRange): Promise<Uint8Array> {
    return this.#guarded(() => this.#readFile(this.layout.dataOffset + begin, end - begin));
  }

  /** @throws DamagedShareError */
  async leases(): Promise<MutableLeaseRecord[]> {
    const { extraLeasesOffset, leases } = this.layout;
    const size = Math.min(this.#fileSize - extraLeasesOffset, mostLeaseBytes);
    return this.#guarded(async () => [
      ...leases,
      ...parseExtraLeases(await this.#readFile(extraLeasesOffset, size)),
    ]);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  release(): void {
    this.close().catch(() => {
      // Nothing was written: nothing can be lost.
    });
  }

  async #guarded<T>(reading: () => Promise<T>): Promise<T> {
    try {
      return await reading();
    } catch (error) {
      const problem = damageIn(error);
      if (problem === undefined) throw error;
      this.#onDamage(problem);
      throw new DamagedShareError({ cause: error });
    }
  }

  async #readFile(position: number, size: number): Promise<Uint8Array> {
    // Not from the shared pool: the buffer may live until a client has taken it.
    const buffer = Buffer.allocUnsafeSlow(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await this.#file.read(buffer, filled, size - filled, position + filled);
      if (bytesRead === 0) throw new ShareCutShortError();
      filled += bytesRead;
    }
    return buffer;
  }
}
