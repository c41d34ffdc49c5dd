import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { deriveKey } from '@holdfast/common/identity';
import { AccountError } from './account-error.js';
import { accountSecretSize } from './account-secret.js';

/** The account that a secret belongs to. Both fields are bound to it: sealed secrets cannot change places. */
export interface SealedFor {
  readonly key: number;
  readonly name: string;
}

const version = 1;
const nonceSize = 12;
const tagSize = 16;
const sealedSize = 1 + nonceSize + accountSecretSize + tagSize;

/**
 * Encrypts account secrets for the account book, with a key made from the keeper's signing key. A sealed secret has 61
 * bytes: the version 1, a random nonce (12), the ciphertext (32), and the tag (16) of AES-256-GCM.
 */
export class SecretSeal {
  readonly #key: Buffer;

  constructor(signingKey: KeyObject) {
    this.#key = deriveKey(signingKey, 'holdfast account book v1');
  }

  seal(secret: Uint8Array, account: SealedFor): Buffer {
    const nonce = randomBytes(nonceSize);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(boundTo(account));
    const ciphertext = Buffer.concat([cipher.update(secret), cipher.final()]);
    return Buffer.concat([Buffer.of(version), nonce, ciphertext, cipher.getAuthTag()]);
  }

  /** @throws AccountError `unreadable-secret`: sealed with another key or for another account, or changed since */
  open(sealed: Uint8Array, account: SealedFor): Buffer {
    try {
      if (sealed.length !== sealedSize || sealed[0] !== version) throw new Error('an unknown form');
      const nonce = sealed.subarray(1, 1 + nonceSize);
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagSize })
        .setAAD(boundTo(account))
        .setAuthTag(sealed.subarray(-tagSize));
      return Buffer.concat([decipher.update(sealed.subarray(1 + nonceSize, -tagSize)), decipher.final()]);
    } catch (cause) {
      throw new AccountError(
        'unreadable-secret',
        account.name,
        `the secret of account ${account.name} cannot be opened with the key of this folder: it was sealed with another, or changed since`,
        { cause },
      );
    }
  }
}

function boundTo({ key, name }: SealedFor): Buffer {
  return Buffer.from(`holdfast account secret v1 ${key} ${name}`);
}
