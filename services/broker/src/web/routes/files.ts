import type { FastifyInstance } from 'fastify';
import { pathParts, queryArguments } from '../arguments.js';
import { answerCheck } from '../check.js';
import type { WebContext } from '../context.js';
import { answerFile } from '../download.js';
import { RequestError } from '../errors.js';
import { type Handler, resource } from '../resource.js';
import { answerPost, answerPut } from '../upload.js';
import { redirectToFile } from './redirect.js';

/** `/uri` and what stands under it, `/file/CAP/…/NAME`, and their other names. */
export function addFileRoutes(web: FastifyInstance, context: WebContext): void {
  const redirect: Handler = async (request, reply) => redirectToFile(reply, queryArguments(request));
  const unlinked = {
    GET: redirect,
    HEAD: redirect,
    PUT: (request, reply) => answerPut(context, request, reply),
    POST: (request, reply) => answerPost(context, request, reply),
  } satisfies Record<string, Handler>;
  for (const prefix of ['/uri', '/cap']) {
    resource(web, prefix, unlinked);
    resource(web, `${prefix}/`, unlinked);
    const byCapability = fileByCapability(context, `${prefix}/`);
    const check = checkByPath(context, `${prefix}/`);
    resource(web, `${prefix}/*`, { GET: byCapability, HEAD: byCapability, POST: check });
  }
  for (const prefix of ['/file/', '/named/']) {
    const byName = fileByName(context, prefix);
    resource(web, `${prefix}*`, { GET: byName, HEAD: byName, POST: checkByPath(context, prefix) });
  }
}

/** `/uri/CAP`. */
function fileByCapability(context: WebContext, prefix: string): Handler {
  return async (request, reply) => {
    const [capability = '', ...children] = pathParts(request, prefix);
    if (children.length > 0) throw new RequestError(400, 'no-children', 'files have no children');
    return answerFile(context, request, reply, capability, undefined);
  };
}

/** `POST` of a file: its capability stands first in the path, names after it are decoration. */
function checkByPath(context: WebContext, prefix: string): Handler {
  return async (request, reply) => {
    const [capability = ''] = pathParts(request, prefix);
    return answerCheck(context, request, reply, capability);
  };
}

/** `/file/CAP/…/NAME`: the last part is the name under which the file is asked for, all between is decoration. */
function fileByName(context: WebContext, prefix: string): Handler {
  return async (request, reply) => {
    const [capability = '', ...names] = pathParts(request, prefix);
    return answerFile(context, request, reply, capability, names.at(-1));
  };
}
