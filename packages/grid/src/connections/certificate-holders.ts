/** A server that has shown the certificate which its tub id names. */
export interface CertificateClaim {
  readonly id: string;
  /** Whether the operator wrote down how it is reached. */
  readonly byOperator: boolean;
}

/**
 * Which server each certificate belongs to. Lease secrets are made of the tub id, which is the certificate's hash: two
 * servers of one certificate would be told the same secrets, and know their customers by them. So only one of them is
 * used: the one that showed it first, or the one that the operator names.
 */
export class CertificateHolders {
  readonly #holders = new Map<string, CertificateClaim>();
  /** The tub id of each server that holds a certificate: it has shown one, since its tub id is another only by `release`. */
  readonly #held = new Map<string, string>();
  readonly #onDisplaced: (id: string) => void;

  /** @param onDisplaced called with the id of a server that has lost its certificate to one that the operator names */
  constructor(onDisplaced: (id: string) => void) {
    this.#onDisplaced = onDisplaced;
  }

  /**
   * Takes note that a server has shown the certificate of this tub id.
   *
   * @returns the id of the server that it belongs to; another's where this one must not be used
   */
  claim(tubId: Uint8Array, claim: CertificateClaim): string {
    const name = Buffer.from(tubId).toString('hex');
    const holder = this.#holders.get(name);
    const isAnothers = holder && holder.id !== claim.id;
    if (isAnothers && (holder.byOperator || !claim.byOperator)) return holder.id;
    this.#holders.set(name, claim);
    this.#held.set(claim.id, name);
    if (!isAnothers) return claim.id;
    this.#held.delete(holder.id);
    this.#onDisplaced(holder.id);
    return claim.id;
  }

  /** Gives free what belongs to a server that is not to be used any more, or not with this certificate. */
  release(id: string): void {
    const name = this.#held.get(id);
    this.#held.delete(id);
    if (name !== undefined && this.#holders.get(name)?.id === id) this.#holders.delete(name);
  }
}
