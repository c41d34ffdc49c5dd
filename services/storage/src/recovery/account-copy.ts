import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { deriveKey } from '@holdfast/common/identity';
import * as z from 'zod';

const hex = z.string().regex(/^([0-9a-f]{2})+$/);

const contentsForm = z.strictObject({
  servers: z.array(
    z.strictObject({
      key: z.number(),
      server_id: z.string(),
      description: z.unknown(),
      /** Only where it is leaving: so an older release reads the copy where none is. */
      leaving_since: z.string().optional(),
    }),
  ),
  accounts: z.array(
    z.strictObject({
      key: z.number(),
      name: z.string(),
      created_at: z.string(),
      state: z.enum(['active', 'frozen', 'revoked']),
      quota: z.number().nullable(),
      lease_seconds: z.number().nullable(),
      /** Only of repairers, for the same reason. */
      repairer: z.literal(true).optional(),
      /** In UTC with microseconds, so that texts sort as times do. Only of those that were changed, for the same reason. */
      changed_at: z.string().optional(),
    }),
  ),
  /** How this server recognises the accounts, but for the anonymous one, whose credential is in `private/`. */
  credentials: z.array(z.strictObject({ credential_hash: hex, account: z.number() })),
  sealed_secrets: z.array(z.strictObject({ account: z.number(), keeper: z.number(), sealed: hex })),
  /** How long leases last in the whole grid; copies made before that could be said do not have it. */
  lease_seconds: z.number().nullable().default(null),
});

/** What the accounts of a database can be made again from, as far as one server needs them. */
export type CopiedAccounts = z.infer<typeof contentsForm>;

/** The copy of the accounts cannot be opened. */
export class AccountCopyError extends Error {
  override readonly name = 'AccountCopyError';
  readonly code = 'unreadable-account-copy';

  constructor(options?: ErrorOptions) {
    super(
      'the copy of the accounts beside the shares cannot be opened with the key of this node: another node wrote it, or it was changed',
      options,
    );
  }
}

const magic = Buffer.from('holdfast accounts 1\n');
const nonceSize = 12;
const tagSize = 16;

/**
 * Encrypts and authenticates the copy of the accounts, by AES-256-GCM with a key made from the node's signing key: the
 * magic `holdfast accounts 1` and a newline, a random nonce (12 bytes), the ciphertext of a JSON text, the tag (16).
 */
export class AccountCopySeal {
  readonly #key: Buffer;

  constructor(signingKey: KeyObject) {
    this.#key = deriveKey(signingKey, 'holdfast account copy v1');
  }

  seal(contents: CopiedAccounts): Buffer {
    const nonce = randomBytes(nonceSize);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(magic);
    const ciphertext = Buffer.concat([cipher.update(JSON.stringify(contents), 'utf8'), cipher.final()]);
    return Buffer.concat([magic, nonce, ciphertext, cipher.getAuthTag()]);
  }

  /** @throws AccountCopyError */
  open(sealed: Uint8Array): CopiedAccounts {
    try {
      const bytes = Buffer.from(sealed);
      if (!bytes.subarray(0, magic.length).equals(magic)) throw new Error('an unknown form');
      const nonce = bytes.subarray(magic.length, magic.length + nonceSize);
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagSize })
        .setAAD(magic)
        .setAuthTag(bytes.subarray(-tagSize));
      const ciphertext = bytes.subarray(magic.length + nonceSize, -tagSize);
      const text = Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
      return contentsForm.parse(JSON.parse(text));
    } catch (cause) {
      throw new AccountCopyError({ cause });
    }
  }
}
