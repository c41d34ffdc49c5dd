/** What was not taken of what was named, by where it stands. */
export interface Refusal {
  readonly line: number;
  readonly code: string;
  readonly reason: string;
}

/** Those beyond that are counted only. */
const mostShown = 20;

/** Says to people what was not taken, and why, without showing it. */
export function tellRefusals(refused: readonly Refusal[], file: string | undefined): void {
  const where = file === undefined ? 'argument' : 'line';
  for (const { line, reason } of refused.slice(0, mostShown))
    process.stderr.write(`${where} ${line}: ${reason}\n`);
}
