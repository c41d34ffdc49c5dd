import type { FastifyInstance } from 'fastify';
import { queryArguments } from '../arguments.js';
import type { WebContext } from '../context.js';
import { RequestError } from '../errors.js';
import { repairsJson, repairsPage } from '../repairs-page.js';
import { type Handler, resource } from '../resource.js';
import { ownPage } from '../security-headers.js';

/** `/repairs`: how the queue of repairs is doing, as a page and as JSON. */
export function addRepairsRoutes(web: FastifyInstance, context: WebContext): void {
  const repairs: Handler = async (request, reply) => {
    const view = queryArguments(request)('t') ?? '';
    if (view !== '' && view !== 'json')
      throw new RequestError(400, 'unknown-view', `Unknown t value: ${view.slice(0, 100)}`);
    const json = repairsJson(await context.repairers.status());
    reply.header('cache-control', 'no-store');
    return view === 'json'
      ? reply
          .header('content-type', 'application/json; charset=utf-8')
          .send(`${JSON.stringify(json, undefined, 1)}\n`)
      : reply.headers({ ...ownPage, 'content-type': 'text/html; charset=utf-8' }).send(repairsPage(json));
  };
  resource(web, '/repairs', { GET: repairs, HEAD: repairs });
}
