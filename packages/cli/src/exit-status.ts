import { CommanderError } from 'commander';
import { printable } from './printable.js';

/** The command was called in a way that cannot be meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** How a command ends that threw. */
export interface Ending {
  readonly status: 1 | 2 | 0;
  /** One line; undefined where the line is out already. */
  readonly message?: string;
}

/** The one place where errors become exit statuses, and lines that hold no secret. */
export async function explain(error: unknown): Promise<Ending> {
  if (error instanceof CommanderError) {
    const asked = error.code === 'commander.helpDisplayed' || error.code === 'commander.version';
    return { status: asked ? 0 : 2 };
  }
  const { redact } = await import('@holdfast/common/logging');
  const message = printable(redact(oneLine(error)));
  return { status: error instanceof UsageError ? 2 : 1, message };
}

/** What was wrong, and the last line of what a failed process said of it. */
function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, code, errors } = error as Error & { code?: string; errors?: Error[] };
  const text = message || errors?.map((each) => each.message).join('; ') || code || error.name;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const [first = text, last] = [lines[0], lines.length > 1 ? lines.at(-1) : undefined];
  return last === undefined ? first : `${first} ${last.trim()}`;
}
