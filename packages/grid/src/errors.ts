import type { CheckResults } from './check/check-results.js';

/** A file could not be placed on enough servers. */
export class NotEnoughServersError extends Error {
  override readonly name = 'NotEnoughServersError';
  readonly code = 'not-enough-servers';

  constructor(
    /** How many servers would hold at least one share. */
    readonly servers: number,
    /** Servers of happiness of the best placement found. */
    readonly happiness: number,
    readonly required: number,
    readonly happy: number,
    /** What servers answered that could not take their share, one line each. */
    readonly reasons: readonly string[] = [],
  ) {
    super(
      unhappiness(servers, happiness, required, happy) +
        (reasons.length > 0 ? ` (${reasons.join('; ')})` : ''),
    );
  }
}

/** There is no server that a file could be placed on: none is connected, or none may get files. */
export class NoServersError extends NotEnoughServersError {
  constructor(required: number, happy: number, reasons: readonly string[] = []) {
    super(0, 0, required, happy, reasons);
    // The peer's words for it (seen in its answers).
    this.message = `client gave us zero servers${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`;
  }
}

/** The peer's wording (seen in its answers), which clients show and scripts look for. */
function unhappiness(servers: number, happiness: number, required: number, happy: number): string {
  if (servers < required) {
    return (
      `shares could be placed or found on only ${servers} server(s). We were asked to place shares on at least ` +
      `${happy} server(s) such that any ${required} of them have enough shares to recover the file.`
    );
  }
  if (happiness < required) {
    return (
      `shares could be placed or found on ${servers} server(s), but they are not spread out evenly enough to ` +
      `ensure that any ${required} of these servers would have enough shares to recover the file. We were asked ` +
      `to place shares on at least ${happy} servers such that any ${required} of them have enough shares to ` +
      'recover the file.'
    );
  }
  return (
    `shares could be placed on only ${happiness} server(s) such that any ${required} of them have enough shares ` +
    `to recover the file, but we were asked to place shares on at least ${happy} such servers.`
  );
}

/** Fewer good shares were found than a file needs. */
export class NotEnoughSharesError extends Error {
  override readonly name = 'NotEnoughSharesError';
  readonly code = 'not-enough-shares';

  constructor(
    readonly found: number,
    readonly required: number,
    /** What went wrong with shares or servers that were tried, one line each, without secrets. */
    readonly reasons: readonly string[] = [],
  ) {
    super(
      `${found === 0 ? 'no shares could be found' : `only ${found} good share(s) could be found`}; ` +
        `${required} are needed${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`,
    );
  }
}

/** A file has too few good shares to be repaired. */
export class NotRecoverableError extends Error {
  override readonly name = 'NotRecoverableError';
  readonly code = 'not-recoverable';

  constructor(
    /** How the file was found. */
    readonly results: CheckResults,
    /** What went wrong with shares or servers that were tried, one line each, without secrets. */
    readonly reasons: readonly string[] = [],
  ) {
    super(
      `${shareCount(results)}${results.needed === undefined ? '' : `; ${results.needed} are needed`}` +
        (reasons.length > 0 ? ` (${reasons.join('; ')})` : ''),
    );
  }

  /** How many different good shares there are, wherever they are. */
  get found(): number {
    return readableShares(this.results);
  }
}

function shareCount(results: CheckResults): string {
  if (results.needed === undefined) return 'no shares that agree on a file could be found';
  const found = readableShares(results);
  return found === 0 ? 'no shares could be found' : `only ${found} good share(s) could be found`;
}

function readableShares({ goodShares, leavingShares }: CheckResults): number {
  return new Set([...goodShares, ...leavingShares].map(({ shareNumber }) => shareNumber)).size;
}

/** The file's own description contradicts its capability: no share of it can be what the capability names. */
export class WrongFileError extends Error {
  override readonly name: string = 'WrongFileError';
  readonly code: string = 'wrong-file';
}

/** The shares agree on a file, and it is not the one that the capability names: the capability is wrong. */
export class WrongCapabilityError extends WrongFileError {
  override readonly name = 'WrongCapabilityError';
  override readonly code = 'wrong-capability';

  constructor(
    /** What a check has found. */
    readonly results: CheckResults,
  ) {
    super(results.defect);
  }
}

/** A transfer would need more memory than all transfers together may have here, however long it waited. */
export class NotEnoughMemoryError extends Error {
  override readonly name = 'NotEnoughMemoryError';
  readonly code = 'not-enough-memory';

  constructor(
    /** What needs it: `an upload of 7 bytes`. */
    readonly what: string,
    /** In bytes. */
    readonly needed: number,
    /** In bytes: what there is for it in all. */
    readonly available: number,
  ) {
    super(`${what} needs ${needed} bytes of memory at a time; this node has ${available} for it`);
  }
}

/** Why a request to a storage server failed. */
export type StorageServerErrorCode =
  | 'unreachable'
  | 'wrong-certificate'
  | 'unauthorized'
  | 'timeout'
  | 'aborted'
  | 'refused'
  | 'malformed-answer';

/** A storage server did not do what it was asked. */
export class StorageServerError extends Error {
  override readonly name = 'StorageServerError';

  constructor(
    readonly code: StorageServerErrorCode,
    readonly server: string,
    message: string,
    /** The HTTP status, where there was an answer. */
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(`${server}: ${message}`, options);
  }
}

/** A verify capability lets its holder check a file, not read it. */
export class NotReadableError extends Error {
  override readonly name = 'NotReadableError';
  readonly code = 'not-readable';

  constructor() {
    super('this is a verify capability: it does not let anybody read the file');
  }
}
