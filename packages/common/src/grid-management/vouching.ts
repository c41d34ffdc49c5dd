import type { KeyObject } from 'node:crypto';
import {
  CertificateError,
  type GridManagerCertificate,
  isSignedBy,
  mostCertificates,
  readCertificate,
} from './certificate.js';

/** The grid managers whose word counts, and what they say of servers. */
export class Vouching {
  readonly #managers: readonly KeyObject[];

  /** @param managers their public keys; without any, every server is vouched for */
  constructor(managers: readonly KeyObject[] = []) {
    this.#managers = managers;
  }

  /**
   * Until when a server is vouched for: the latest end of all its certificates that one of these managers signed.
   * It is worked out once, when a server is heard of, and compared with the clock at each use.
   *
   * @returns Infinity without grid managers, and `undefined` where no certificate is theirs, be it only for another server
   */
  until(serverId: string, certificates: readonly GridManagerCertificate[] = []): number | undefined {
    if (this.#managers.length === 0) return Number.POSITIVE_INFINITY;
    let latest: number | undefined;
    for (const certificate of certificates.slice(0, mostCertificates)) {
      const end = this.#endOf(serverId, certificate);
      if (end !== undefined) latest = Math.max(end, latest ?? end);
    }
    return latest;
  }

  #endOf(serverId: string, certificate: GridManagerCertificate): number | undefined {
    try {
      const content = readCertificate(certificate);
      if (content.serverId !== serverId) return undefined;
      return this.#managers.some((manager) => isSignedBy(certificate, manager))
        ? content.expires.getTime()
        : undefined;
    } catch (error) {
      // A certificate that says nothing vouches for nobody; another of the server's may be good.
      if (error instanceof CertificateError) return undefined;
      throw error;
    }
  }
}
