import {
  encodeServerVersion,
  extensionsHeader,
  findManyExtension,
  leavingState,
  serverStateHeader,
  wholeSharesExtension,
} from '@holdfast/lafs';
import type { Leaving } from '../../leaving/leaving.js';
import type { Space } from '../../space/space.js';
import { answerCbor, type Handler } from '../exchange.js';
import { requireCborAccepted } from '../message-body.js';

/** `GET /storage/v1/version`: what this server can take. */
export function version({
  space,
  records,
  leaving,
  largestMutable,
  applicationVersion,
}: {
  space: Space;
  /** While there is a problem with them nothing is taken in. */
  records: { readonly problem: string | undefined };
  /** While it is nothing new is: clients without our extension see a server that has no space. */
  leaving: Pick<Leaving, 'now'>;
  /** Most bytes of a mutable share. */
  largestMutable: number;
  applicationVersion: string;
}): Handler<'version'> {
  return async ({ request, response }) => {
    requireCborAccepted(request);
    const available = records.problem === undefined ? await space.available() : 0;
    const availableSpace = BigInt(leaving.now ? 0 : available);
    const answer = encodeServerVersion({
      availableSpace,
      maximumImmutableShareSize: availableSpace,
      // Also where it is leaving: the slots that it has can be changed.
      maximumMutableShareSize: BigInt(Math.min(largestMutable, available)),
      applicationVersion,
    });
    response.setHeader(extensionsHeader, [wholeSharesExtension, findManyExtension].join(', '));
    if (leaving.now) response.setHeader(serverStateHeader, leavingState);
    answerCbor(response, 200, answer);
  };
}
