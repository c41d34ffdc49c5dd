/** The shares of one file, as the watch counts them. */
export interface FileHealth {
  /** k: shares from which the file can be made again. */
  readonly needed: number;
  /** n: shares that the file has when nothing is missing. */
  readonly expected: number;
  /** Different shares that can be read now. */
  readonly readable: number;
  /**
   * Different shares that are expected to stay: those on servers that are active, and those on servers that are away
   * for less than their grace time. What a leaving server holds is readable, and does not stay.
   */
  readonly lasting: number;
  /** Servers of happiness of the shares that stay. */
  readonly servers: number;
}

/** How many shares may still be lost before the file is; negative where it cannot be read now. The risk, least first. */
export function spareShares({ readable, needed }: Pick<FileHealth, 'readable' | 'needed'>): number {
  return readable - needed;
}
