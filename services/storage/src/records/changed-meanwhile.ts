/** Something changed in between that could not be locked: the transaction is to be done again (`whileDatabaseReturns`). */
export class ChangedMeanwhile extends Error {
  /** SQLSTATE of a serialization failure. */
  readonly code = '40001';

  /** @param what for the logs */
  constructor(what: string) {
    super(`${what} was changed meanwhile`);
  }
}
