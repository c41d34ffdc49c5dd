import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RequestError } from './errors.js';

const methods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'] as const;

/** Answers a request, by sending or by returning what is to be sent. */
export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Serves a path with the methods given; any other is told which those are (405). */
export function resource(
  web: FastifyInstance,
  url: string,
  handlers: Partial<Record<(typeof methods)[number], Handler>>,
): void {
  const allow = Object.keys(handlers).join(', ');
  const refuse: Handler = async () => {
    throw new RequestError(405, 'method-not-allowed', `only ${allow} can be done here`, { allow });
  };
  for (const method of methods) web.route({ method, url, handler: handlers[method] ?? refuse });
}
