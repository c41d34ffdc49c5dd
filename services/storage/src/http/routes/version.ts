import { encodeServerVersion, extensionsHeader, wholeSharesExtension } from '@holdfast/lafs';
import type { Space } from '../../space/space.js';
import { answerCbor, type Handler } from '../exchange.js';
import { requireCborAccepted } from '../message-body.js';

/** `GET /storage/v1/version`: what this server can take. */
export function version({
  space,
  records,
  largestMutable,
  applicationVersion,
}: {
  space: Space;
  /** While there is a problem with them nothing is taken in. */
  records: { readonly problem: string | undefined };
  /** Most bytes of a mutable share. */
  largestMutable: number;
  applicationVersion: string;
}): Handler<'version'> {
  return async ({ request, response }) => {
    requireCborAccepted(request);
    const available = records.problem === undefined ? await space.available() : 0;
    const availableSpace = BigInt(available);
    const answer = encodeServerVersion({
      availableSpace,
      maximumImmutableShareSize: availableSpace,
      maximumMutableShareSize: BigInt(Math.min(largestMutable, available)),
      applicationVersion,
    });
    response.setHeader(extensionsHeader, wholeSharesExtension);
    answerCbor(response, 200, answer);
  };
}
