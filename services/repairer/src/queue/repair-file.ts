import {
  base32Decode,
  base32Encode,
  CapabilityError,
  type ChkVerifyCapability,
  formatCapability,
  MalformedBase32Error,
  parseCapability,
  verifyCapabilityOf,
} from '@holdfast/lafs';

/** A file of which nothing but its storage index (16 bytes) is known. */
export interface StorageIndexOnly {
  readonly kind: 'storage-index';
  readonly storageIndex: Uint8Array;
}

/** A file as a job names it: with no more authority than checking and repairing need. */
export type RepairFile = ChkVerifyCapability | StorageIndexOnly;

/** Why a file was not taken into the queue. */
export type RefusalCode =
  | 'malformed'
  | 'unsupported'
  /** The capability is the file. */
  | 'literal'
  /** The shares in the grid are those of another capability with the same storage index. */
  | 'contradicts';

/** A text that names no file to repair. It never carries the text, which may be nearly a secret. */
export class NotRepairableError extends Error {
  override readonly name = 'NotRepairableError';

  constructor(
    readonly code: RefusalCode,
    message: string,
  ) {
    super(message);
  }
}

/** `contradicts`, in words. */
export const contradiction =
  'the shares in the grid were found to be those of another capability with this storage index';

const storageIndexText = /^[a-z2-7]{26}$/;

/**
 * Reads what names a file to repair: a verify capability, a read capability, of which only the verify capability is
 * kept, or a storage index in base32 (26 characters).
 *
 * @throws NotRepairableError
 */
export function parseRepairFile(text: string): RepairFile {
  try {
    if (storageIndexText.test(text)) return { kind: 'storage-index', storageIndex: base32Decode(text) };
    const capability = parseCapability(text);
    switch (capability.kind) {
      case 'CHK-Verifier':
        return capability;
      case 'CHK':
        return verifyCapabilityOf(capability);
      case 'LIT':
        throw new NotRepairableError('literal', 'a literal capability holds its file: it has no shares');
    }
  } catch (error) {
    if (error instanceof CapabilityError && error.code === 'unknown-kind')
      throw new NotRepairableError('unsupported', `${error.message}: only immutable files are repaired`);
    if (error instanceof CapabilityError) throw new NotRepairableError('malformed', error.message);
    if (error instanceof MalformedBase32Error)
      throw new NotRepairableError('malformed', 'malformed storage index: expected 26 characters of base32');
    throw error;
  }
}

/** Writes what `parseRepairFile` reads. */
export function formatRepairFile(file: RepairFile): string {
  return file.kind === 'storage-index' ? base32Encode(file.storageIndex) : formatCapability(file);
}
