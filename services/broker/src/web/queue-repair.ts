import { base32Encode, type Capability, storageIndexOf, verifyCapabilityOf } from '@holdfast/lafs';
import type { WebContext } from './context.js';
import { document } from './document.js';
import { RequestError } from './errors.js';

/** The answer to a request that was queued. */
export interface QueuedAnswer {
  readonly json: object;
  readonly page: string;
}

/**
 * `POST …/CAP?t=check&repair=true&queue=true`, an extension of ours: leaves the repair to the grid's repairers.
 *
 * @throws RequestError for a literal; NoBusError, BusUnavailableError, BusRefusedError, ContradictionError
 */
export async function queueRepair(
  context: WebContext,
  capability: Capability,
  { verify }: { readonly verify: boolean },
): Promise<QueuedAnswer> {
  if (capability.kind === 'LIT')
    throw new RequestError(400, 'literal', 'a literal capability holds its file: there is nothing to repair');
  const file = capability.kind === 'CHK' ? verifyCapabilityOf(capability) : capability;
  const queued = await context.repairers.add(file, { verify });
  const storageIndex = base32Encode(storageIndexOf(capability));
  const text = queued === 'added' ? 'is in the queue now' : 'was in the queue already';
  const page = document({
    title: 'Repair queued',
    body: `<main class="page">
<h1>Repair queued for SI=${storageIndex}</h1>
<p>The file ${text}: repairers check it and, where it needs it, make its lost shares anew.</p>
<p><a href="/repairs">How the queue is doing</a></p>
<p><a href="/">Back to the welcome page</a></p>
</main>`,
  });
  return {
    json: { 'storage-index': storageIndex, 'repair-queued': true, holdfast: { queue: queued } },
    page,
  };
}
