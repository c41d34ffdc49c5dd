/** A file that can be read: its shares have been found and its description checked. */
export interface OpenFile {
  /** In bytes. */
  readonly size: number;

  /**
   * The bytes from `start` up to `end` (exclusive), in order, each checked against the capability before it is
   * given. Stops fetching when the taker stops taking.
   *
   * @throws NotEnoughSharesError when good shares run out on the way; WrongFileError where they are of no one file;
   *   CodingError
   */
  read(start: number, end: number): AsyncIterable<Uint8Array>;

  /** Gives back what is kept for reading. Nothing is read after that. */
  close(): void;
}
