import { encodeServerVersion, extensionsHeader, wholeSharesExtension } from '@holdfast/lafs';
import type { Space } from '../../space/space.js';
import { answerCbor, type Handler } from '../exchange.js';
import { requireCborAccepted } from '../message-body.js';

/** `GET /storage/v1/version`: what this server can take. */
export function version({
  space,
  applicationVersion,
}: {
  space: Space;
  applicationVersion: string;
}): Handler<'version'> {
  return async ({ request, response }) => {
    requireCborAccepted(request);
    const availableSpace = BigInt(await space.available());
    const answer = encodeServerVersion({
      availableSpace,
      maximumImmutableShareSize: availableSpace,
      // Mutable shares are not served.
      maximumMutableShareSize: 0n,
      applicationVersion,
    });
    response.setHeader(extensionsHeader, wholeSharesExtension);
    answerCbor(response, 200, answer);
  };
}
