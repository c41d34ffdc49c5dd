import { parseCapability } from '@holdfast/lafs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Arguments, flag, queryArguments } from './arguments.js';
import { checkJson, repairJson } from './check-json.js';
import { checkPage, repairPage } from './check-page.js';
import { clientGone } from './client-gone.js';
import type { WebContext } from './context.js';
import { RequestError } from './errors.js';
import { queueRepair } from './queue-repair.js';
import { ownPage } from './security-headers.js';

/**
 * `POST …/CAP?t=check`: looks how a file is doing, and with `repair=true` puts right what it lacks (webapi.rst,
 * "Debugging and Testing Features"). A check takes a place among the downloads, a repair one among the uploads, as it
 * moves as much. With `queue=true` the repair is left to the grid's repairers.
 */
export async function answerCheck(
  context: WebContext,
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
): Promise<unknown> {
  const given = queryArguments(request);
  const operation = given('t') ?? '';
  if (operation !== 'check')
    throw new RequestError(400, 'unknown-operation', `POST to file: bad t=${operation.slice(0, 100)}`);
  const asJson = wantsJson(given);
  const wanted = { verify: flag(given, 'verify'), addLease: flag(given, 'add-lease') };
  const capability = parseCapability(text);
  const send = (json: () => object, page: () => string) => {
    reply.header('cache-control', 'no-store');
    return asJson
      ? reply.header('content-type', 'text/plain').send(`${JSON.stringify(json(), undefined, 1)}\n`)
      : reply.headers({ ...ownPage, 'content-type': 'text/html; charset=utf-8' }).send(page());
  };
  if (flag(given, 'queue')) {
    if (!flag(given, 'repair'))
      throw new RequestError(400, 'malformed-argument', 'queue=true: expected repair=true with it');
    // Repairers have lease secrets of their own: they cannot renew the leases of this gateway.
    if (wanted.addLease)
      throw new RequestError(
        400,
        'malformed-argument',
        'queue=true: expected no add-lease=true with it, as a repairer cannot renew leases of this gateway',
      );
    const { json, page } = await queueRepair(context, capability, wanted);
    reply.code(202);
    return send(
      () => json,
      () => page,
    );
  }
  const signal = clientGone(reply.raw);
  // There is nothing to be repaired about a literal: the peer too answers such a request as a check.
  if (flag(given, 'repair') && capability.kind !== 'LIT') {
    const results = await inTurn(context.uploads, signal, () =>
      context.grid.repair(capability, { ...wanted, signal }),
    );
    return send(
      () => repairJson(results),
      () => repairPage(results, context.nicknames()),
    );
  }
  const results = await inTurn(context.downloads, signal, () =>
    context.grid.check(capability, { ...wanted, signal }),
  );
  return send(
    () => checkJson(results),
    () => checkPage(results, context.nicknames()),
  );
}

async function inTurn<T>(
  places: WebContext['uploads'],
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const place = await places.take(1, signal);
  try {
    return await work();
  } finally {
    place.release();
  }
}

function wantsJson(given: Arguments): boolean {
  const output = given('output')?.toLowerCase() ?? 'html';
  if (output === 'json' || output === 'html') return output === 'json';
  throw new RequestError(400, 'malformed-argument', 'output: expected JSON or HTML');
}
