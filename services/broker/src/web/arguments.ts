import type { FastifyRequest } from 'fastify';
import { RequestError } from './errors.js';

/** The arguments of a request: those of its query, and for a form those of its fields, which come second. */
export type Arguments = (name: string) => string | undefined;

/** The arguments of the query string. Of several of one name the first counts. */
export function queryArguments(request: FastifyRequest): Arguments {
  const query = request.query as Record<string, string | string[] | undefined>;
  return (name) => {
    const value = query[name];
    return Array.isArray(value) ? value[0] : value;
  };
}

const yes = new Set(['true', 't', '1', 'on']);
const no = new Set(['false', 'f', '0', 'off']);

/**
 * A yes or no (webapi.rst: "true", "t", "1" and so on, whatever their case).
 *
 * @throws RequestError 400 for anything else
 */
export function flag(given: Arguments, name: string): boolean {
  const value = given(name)?.toLowerCase();
  if (value === undefined || no.has(value)) return false;
  if (yes.has(value)) return true;
  throw new RequestError(400, 'malformed-argument', `${name}: expected true or false`);
}

/**
 * The parts of a request's path behind `prefix`, each decoded; a `/` that came as `%2F` stays inside its part.
 *
 * @throws RequestError 400 where the path is not UTF-8
 */
export function pathParts(request: FastifyRequest, prefix: string): string[] {
  const path = request.raw.url?.split('?', 1)[0] ?? '';
  try {
    return path.slice(prefix.length).split('/').map(decodeURIComponent);
  } catch {
    throw new RequestError(400, 'malformed-path', 'the path is not percent-encoded UTF-8');
  }
}
