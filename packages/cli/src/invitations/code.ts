import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { base32Decode, base32Encode } from '@holdfast/lafs';

/** An invitation cannot be used, or not any more. */
export class InvitationError extends Error {
  override readonly name = 'InvitationError';

  constructor(
    readonly code:
      | 'malformed'
      | 'expired'
      | 'unanswered'
      | 'refused'
      | 'unreadable'
      | 'too-large'
      | 'role'
      | 'no-bus'
      | 'no-way',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const secretBytes = 16;

/**
 * What is told to the one who is invited: where the bus is, and a secret of 128 bits. From the secret follow, each by
 * HKDF-SHA256 with a purpose of its own, the name at which the two meet on the bus, which tells nothing, and the keys
 * by which each seals what it says there.
 */
export class InvitationCode {
  private constructor(
    /** `nats://HOST:PORT` or `tls://HOST:PORT`, without a user. */
    readonly bus: string,
    readonly secret: Uint8Array,
  ) {}

  /** A new one. @param bus the URL of the bus; of it only scheme and address are told */
  static create(bus: string): InvitationCode {
    const { protocol, host } = new URL(bus);
    return new InvitationCode(`${protocol}//${host}`, randomBytes(secretBytes));
  }

  /** @throws InvitationError `malformed`; it does not show the code */
  static parse(text: string): InvitationCode {
    const [, bus, secret] =
      /^((?:nats|tls):\/\/[^/@\s]+)\/([a-z2-7-]+)$/.exec(text.trim().toLowerCase()) ?? [];
    try {
      const bytes = base32Decode((secret ?? '').replaceAll('-', ''));
      if (bus !== undefined && URL.canParse(bus) && bytes.length === secretBytes)
        return new InvitationCode(bus, bytes);
    } catch {
      // Told below like everything that is not as `invite` printed it.
    }
    throw new InvitationError(
      'malformed',
      'expected a code as `holdfast invite` printed it, or a file that it wrote',
    );
  }

  /** For people: the secret in groups. */
  toString(): string {
    return `${this.bus}/${base32Encode(this.secret).replace(/.{7}(?=.)/g, '$&-')}`;
  }

  /** The name at which inviter and invited meet. */
  get meetingPlace(): string {
    return base32Encode(this.#derive('meeting place', 16));
  }

  /** AES-256-GCM: nonce, ciphertext and tag, in base64. @param bound what else must be the same when it is opened */
  seal(purpose: 'request' | 'answer', value: unknown, bound = ''): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#derive(purpose, 32), nonce).setAAD(Buffer.from(bound));
    const sealed = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64');
  }

  /** @throws InvitationError `unreadable` for what was sealed by another code, for another purpose, or changed */
  open(purpose: 'request' | 'answer', sealed: string, bound = ''): unknown {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#derive(purpose, 32), bytes.subarray(0, 12));
      decipher.setAAD(Buffer.from(bound)).setAuthTag(bytes.subarray(-16));
      const text = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
      return JSON.parse(text.toString('utf8'));
    } catch (error) {
      throw new InvitationError('unreadable', 'what was said was not sealed by this code', { cause: error });
    }
  }

  #derive(purpose: string, length: number): Buffer {
    return Buffer.from(hkdfSync('sha256', this.secret, '', `holdfast invitation ${purpose} v1`, length));
  }
}
