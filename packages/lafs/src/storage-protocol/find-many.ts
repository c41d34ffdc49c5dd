import { decodeCbor, encodeCbor } from './cbor.js';
import { UnexpectedMessageError } from './errors.js';
import { MessageFields, maximumShareNumbers, shareNumberSet } from './message-fields.js';
import { mostWholeShareBytes, readShares, type SharesAnswer } from './whole-shares.js';

/*
 * Finding the shares of many files in one request: an extension of ours to the storage protocol, told of in
 * docs/protocol.md. Whoever checks many files asks the same servers about each, and what an answer costs both sides is
 * the request, not what is in it.
 */

/** How this extension is called in the version answer. */
export const findManyExtension = 'find-many';

/** Most files that are asked for in one request. */
export const mostFilesAsked = 128;

/** Most bytes of an encoded question: a storage index and a number for each file. */
export const maximumFindRequestSize = 8 * 1024;

/** What is asked of one file. */
export interface FileQuestion {
  /** 16 bytes. */
  readonly storageIndex: Uint8Array;
  /** Most bytes of its small shares that are wanted with their numbers, up to `mostWholeShareBytes`; 0 for none. */
  readonly most: number;
}

/** What a server holds of a file; null where it could not say it in this answer, and is to be asked by itself. */
export type FileAnswer = SharesAnswer | null;

/** Files to be found (`POST /storage/v1/immutable/shares`). */
export function encodeFindRequest(questions: readonly FileQuestion[]): Uint8Array {
  return encodeCbor({ files: questions.map(({ storageIndex, most }) => [storageIndex, most]) });
}

/** @throws MessageTooLargeError, MalformedCborError, UnexpectedMessageError */
export function decodeFindRequest(bytes: Uint8Array): readonly FileQuestion[] {
  const kind = 'find request';
  const files = new MessageFields(kind, decodeCbor(bytes, maximumFindRequestSize))
    .only('files')
    .array('files', mostFilesAsked);
  if (files.length === 0) throw new UnexpectedMessageError(kind, 'files', 'at least one file');
  return files.map((file, index) => {
    const [storageIndex, most, ...more] = Array.isArray(file) ? (file as unknown[]) : [];
    if (storageIndex instanceof Uint8Array && storageIndex.length === 16 && isMost(most) && more.length === 0)
      return { storageIndex, most };
    throw new UnexpectedMessageError(
      kind,
      `files.${index}`,
      `a storage index of 16 bytes and a number of bytes up to ${mostWholeShareBytes}`,
    );
  });
}

function isMost(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= mostWholeShareBytes;
}

/** What there is of each file, in the order in which they were asked for. */
export function encodeFindAnswer(answers: readonly FileAnswer[]): Uint8Array {
  return encodeCbor({ files: answers.map((answer) => answer && [answer.shares, answer.others]) });
}

/**
 * @param asked how many files were asked for
 * @throws MessageTooLargeError, MalformedCborError, UnexpectedMessageError
 */
export function decodeFindAnswer(bytes: Uint8Array, asked: number): readonly FileAnswer[] {
  const kind = 'find answer';
  const files = new MessageFields(kind, decodeCbor(bytes)).array('files', asked);
  if (files.length !== asked)
    throw new UnexpectedMessageError(kind, 'files', `an answer for each of ${asked}`);
  return files.map((file, index) => {
    if (file === null) return null;
    const path = `files.${index}`;
    if (!Array.isArray(file) || file.length !== 2)
      throw new UnexpectedMessageError(kind, path, 'shares and the numbers of others, or null');
    const fields = new MessageFields(kind, new Map([['shares', file[0]]]), path);
    return { shares: readShares(kind, fields), others: shareNumberSet(kind, `${path}.others`, file[1]) };
  });
}

/** What a share number and the head of its data take at most, in bytes. */
const perShare = 10;
/** What else an answer has for a file at most. */
const perFile = 32;

/** Most bytes of an answer to these questions, whatever a server holds: always less than `maximumMessageSize`. */
export function longestFindAnswer(questions: readonly FileQuestion[]): number {
  const data = questions.reduce((sum, { most }) => sum + most, 0);
  const numbers = questions.length * (maximumShareNumbers * perShare + perFile) + perFile;
  return Math.min(data, mostWholeShareBytes) + numbers;
}
