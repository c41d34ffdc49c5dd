import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigurationError } from '@holdfast/common/configuration';
import {
  type CertificateContent,
  type GridManagerCertificate,
  gridManagerCertificate,
  mostCertificates,
  readCertificate,
} from '@holdfast/common/grid-management';
import type { Logger } from '@holdfast/common/logging';

/**
 * The certificates by which grid managers vouch for this server, from the files that `grid_management` of `node.yaml`
 * names. They are read again for each announcement, so one that is renewed needs no restart.
 */
export class VouchingCertificates {
  readonly #dir: string;
  readonly #configured: string | readonly string[];
  readonly #serverId: string;
  readonly #logger: Logger;
  #lastGood: readonly GridManagerCertificate[] = [];

  /**
   * @param dir the node's folder, from which relative paths go
   * @param configured a folder whose every file is a certificate, or files
   */
  constructor(dir: string, configured: string | readonly string[], serverId: string, logger: Logger) {
    this.#dir = dir;
    this.#configured = configured;
    this.#serverId = serverId;
    this.#logger = logger;
  }

  /** What to announce now: what the files say, or said when they last made sense. */
  async current(): Promise<readonly GridManagerCertificate[]> {
    try {
      await this.read();
    } catch (error) {
      this.#logger.warn(
        { error: (error as Error).message },
        'kept the grid manager certificates read before',
      );
    }
    return this.#lastGood;
  }

  /** @throws ConfigurationError where a file cannot be read, is no certificate, or is another server's */
  async read(): Promise<void> {
    const files = await this.#files();
    const certificates = await Promise.all(files.map((file) => this.#readOne(file)));
    if (certificates.length > mostCertificates)
      throw this.#wrong(resolve(this.#dir), `expected at most ${mostCertificates} certificates`);
    this.#lastGood = certificates;
  }

  async #files(): Promise<string[]> {
    if (typeof this.#configured !== 'string') return this.#configured.map((file) => resolve(this.#dir, file));
    const folder = resolve(this.#dir, this.#configured);
    try {
      const names = await readdir(folder);
      return names
        .filter((name) => !name.startsWith('.'))
        .sort()
        .map((name) => join(folder, name));
    } catch (error) {
      throw this.#wrong(
        folder,
        `expected a folder of certificates (${(error as NodeJS.ErrnoException).code})`,
      );
    }
  }

  async #readOne(file: string): Promise<GridManagerCertificate> {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw this.#wrong(file, `the certificate cannot be read (${error.code})`);
    });
    const { certificate, serverId, expires } = this.#parse(file, text);
    if (serverId !== this.#serverId)
      throw this.#wrong(file, `the certificate is for ${serverId}, and this server is ${this.#serverId}`);
    if (expires.getTime() <= Date.now())
      this.#logger.warn({ file, expires }, 'a grid manager certificate has ended');
    return certificate;
  }

  #parse(file: string, text: string): CertificateContent & { certificate: GridManagerCertificate } {
    try {
      const certificate = gridManagerCertificate.parse(JSON.parse(text));
      return { certificate, ...readCertificate(certificate) };
    } catch {
      throw this.#wrong(file, 'expected a certificate as `holdfast grid-manager sign` prints it');
    }
  }

  #wrong(file: string, expected: string): ConfigurationError {
    return new ConfigurationError(file, undefined, 'grid_management', expected);
  }
}
