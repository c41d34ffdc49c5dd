import { decodeCbor, encodeCbor } from './cbor.js';
import { UnexpectedMessageError } from './errors.js';
import { MessageFields } from './message-fields.js';

/*
 * Whole shares: an extension of ours to the storage protocol, told of in docs/protocol.md. The peer knows nothing of
 * it and never meets it: a client uses it only at a server that offers it in a header of its version answer.
 *
 * A small file costs a grid requests, not bytes. Stored by the protocol as it is, its shares take three requests at
 * each server (room, then one write for each of two shares), and two in a row to be read; here it is one.
 */

/** The header of the version answer in which a server names the extensions that it has, separated by commas. */
export const extensionsHeader = 'Holdfast-Extensions';

/** How this extension is called there. */
export const wholeSharesExtension = 'whole-shares';

/** Largest share that is stored or read by this extension, in bytes. */
export const largestWholeShare = 64 * 1024;

/** Most bytes of shares in one message; with the rest of the message it stays below `maximumMessageSize`. */
export const mostWholeShareBytes = 512 * 1024;

/** Share data by share number. */
export type WholeShares = ReadonlyMap<number, Uint8Array>;

/** Shares to store, all of one size (`POST …/:storage_index/whole`). */
export function encodeStoreRequest(shares: WholeShares): Uint8Array {
  return encodeCbor({ shares });
}

/** @throws MessageTooLargeError, MalformedCborError, UnexpectedMessageError */
export function decodeStoreRequest(bytes: Uint8Array): WholeShares {
  const kind = 'store request';
  const fields = new MessageFields(kind, decodeCbor(bytes));
  const shares = readShares(kind, fields.only('shares'));
  const [first] = shares.values();
  if (first && [...shares.values()].every(({ length }) => length === first.length)) return shares;
  throw new UnexpectedMessageError(kind, 'shares', 'at least one share, and all of one size');
}

/** What became of them: shares that were there already, and those now stored for good. What is in neither was refused. */
export interface StoreAnswer {
  readonly alreadyHave: ReadonlySet<number>;
  readonly stored: ReadonlySet<number>;
}

export function encodeStoreAnswer({ alreadyHave, stored }: StoreAnswer): Uint8Array {
  return encodeCbor({ 'already-have': alreadyHave, stored });
}

export function decodeStoreAnswer(bytes: Uint8Array): StoreAnswer {
  const fields = new MessageFields('store answer', decodeCbor(bytes));
  return { alreadyHave: fields.shareNumbers('already-have'), stored: fields.shareNumbers('stored') };
}

/** The shares of a storage index (`GET …/:storage_index/whole`): small ones with their data, others by number only. */
export interface SharesAnswer {
  readonly shares: WholeShares;
  readonly others: ReadonlySet<number>;
}

export function encodeSharesAnswer({ shares, others }: SharesAnswer): Uint8Array {
  return encodeCbor({ shares, others });
}

export function decodeSharesAnswer(bytes: Uint8Array): SharesAnswer {
  const kind = 'shares answer';
  const fields = new MessageFields(kind, decodeCbor(bytes));
  return { shares: readShares(kind, fields), others: fields.shareNumbers('others') };
}

/**
 * The field `shares` of a message.
 *
 * @throws UnexpectedMessageError
 */
export function readShares(kind: string, fields: MessageFields): WholeShares {
  return fields.byShareNumber('shares', (data, path) => {
    if (data instanceof Uint8Array && data.length <= largestWholeShare) return data;
    throw new UnexpectedMessageError(kind, path, `a byte string of at most ${largestWholeShare} bytes`);
  });
}
