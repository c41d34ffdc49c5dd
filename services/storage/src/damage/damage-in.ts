// A thread loads this too: see share-scan.ts.
import { MalformedContainerError } from '@holdfast/lafs/share-container';

/** A share's file ended before the data that its header and its length had told of. */
export class ShareCutShortError extends Error {
  override readonly name = 'ShareCutShortError';
  readonly code = 'share-cut-short';

  constructor() {
    super('the share file became shorter while it was read');
  }
}

/** A share turned out to be damaged while it was read. */
export class DamagedShareError extends Error {
  override readonly name = 'DamagedShareError';
  readonly code = 'damaged-share';

  constructor(options?: ErrorOptions) {
    super('this share is damaged', options);
  }
}

/**
 * The system's errors that mean this file or folder and not this moment: the disk cannot read it, the file system finds
 * itself damaged there, or it is none that this user may read. Too many open files, say, is none of them.
 */
const unreadable: ReadonlySet<string> = new Set([
  'EIO',
  'EUCLEAN',
  'EBADMSG',
  'EILSEQ',
  'ENODATA',
  'ENXIO',
  'EREMOTEIO',
  'EISDIR',
  'ELOOP',
  'EACCES',
  'EPERM',
]);

/**
 * What an error of opening or reading a share says of the share, as one line.
 *
 * @returns undefined where it says nothing of it: the share may be whole
 */
export function damageIn(error: unknown): string | undefined {
  if (error instanceof MalformedContainerError) {
    return error.code === 'other-kind' ? undefined : error.message;
  }
  if (error instanceof ShareCutShortError) return error.message;
  const code = unreadableCode(error);
  return code && `the file cannot be read: ${code}`;
}

/**
 * What an error of opening or reading a folder says of the folder, as one line.
 *
 * @returns undefined where it says nothing of it: it may be readable
 */
export function folderDamageIn(error: unknown): string | undefined {
  const code = unreadableCode(error);
  return code && `the folder cannot be read: ${code}`;
}

function unreadableCode(error: unknown): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && unreadable.has(code) ? code : undefined;
}
