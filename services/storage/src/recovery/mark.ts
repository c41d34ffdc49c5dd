import * as z from 'zod';
import type { ShareBackend } from '../share-backend/share-backend.js';

/** Name of the mark beside the shares. */
const markName = 'holdfast-mark';

const markForm = z.strictObject({
  /** Id of the server that the shares belong to. */
  server: z.string(),
  /** What `storage.servers.generation` was when the mark was written. */
  generation: z.number().int().positive(),
  /** Whether shares are being adopted whose leases somebody else wrote: their owners are no accounts of ours. */
  adopting: z.boolean(),
});

/** What is written beside the shares, so that a database can be told from an old copy of itself. */
export type Mark = z.infer<typeof markForm>;

/** The mark beside the shares is none of ours, or was changed by hand. */
export class MarkError extends Error {
  override readonly name = 'MarkError';
  readonly code = 'unreadable-mark';

  constructor(options?: ErrorOptions) {
    super(`the file ${markName} in the share folder is not what this server writes there`, options);
  }
}

/**
 * The mark that this server wrote beside its shares; undefined where there is none, or only another server's.
 *
 * @throws MarkError
 */
export async function readMark(backend: ShareBackend, serverId: string): Promise<Mark | undefined> {
  const text = await backend.readNote(markName);
  if (!text) return undefined;
  try {
    const mark = markForm.parse(JSON.parse(Buffer.from(text).toString('utf8')));
    return mark.server === serverId ? mark : undefined;
  } catch (cause) {
    throw new MarkError({ cause });
  }
}

/** Writes the mark. Durable when this resolves. */
export async function writeMark(backend: ShareBackend, mark: Mark): Promise<void> {
  await backend.writeNote(markName, Buffer.from(`${JSON.stringify(mark)}\n`));
}
