import type { FastifyInstance } from 'fastify';
import { queryArguments } from '../arguments.js';
import { namesTag } from '../entity-tag.js';
import { RequestError } from '../errors.js';
import type { PageFiles } from '../page-files.js';
import { type Handler, resource } from '../resource.js';
import { ownPage } from '../security-headers.js';
import { type NodeStatus, statusJson } from '../status.js';
import { welcomePage } from '../welcome-page.js';

/** `/`, as a page and as JSON, and the files that the page is made of. */
export function addWelcomeRoutes(web: FastifyInstance, status: () => NodeStatus, page: PageFiles): void {
  const welcome: Handler = async (request, reply) => {
    const view = queryArguments(request)('t') ?? '';
    reply.header('cache-control', 'no-store');
    if (view === 'json') {
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .send(`${JSON.stringify(statusJson(status()), undefined, 1)}\n`);
    }
    if (view !== '') throw new RequestError(400, 'unknown-view', `Unknown t value: ${view.slice(0, 100)}`);
    return reply
      .headers({ ...ownPage, 'content-type': 'text/html; charset=utf-8' })
      .send(welcomePage(statusJson(status())));
  };
  resource(web, '/', { GET: welcome, HEAD: welcome });

  const pageFile: Handler = async (request, reply) => {
    const { name } = request.params as { name: string };
    const file = page.get(name);
    if (!file) throw new RequestError(404, 'not-found', 'there is no such file of the welcome page');
    reply.headers({ ...ownPage, etag: file.tag, 'cache-control': 'no-cache' });
    if (namesTag(request.headers['if-none-match'], file.tag.slice(1, -1))) return reply.code(304).send();
    return reply.header('content-type', file.type).send(file.content);
  };
  resource(web, '/page/:name', { GET: pageFile, HEAD: pageFile });
}
