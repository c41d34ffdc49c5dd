import { formatCapability, parseCapability } from '@holdfast/lafs';
import type { FastifyReply } from 'fastify';
import type { Arguments } from '../arguments.js';
import { RequestError } from '../errors.js';

const passedOn = ['t', 'filename', 'save'];

/**
 * `GET /uri?uri=CAP`, the target of a form into which a capability is pasted: leads to `/uri/CAP`, or with a name to
 * save under, to the file of that name.
 */
export function redirectToFile(reply: FastifyReply, given: Arguments): FastifyReply {
  const text = given('uri');
  if (text === undefined) throw new RequestError(400, 'no-capability', 'GET /uri requires uri=');
  // What is pasted often has a space or a line's end on it.
  const capability = formatCapability(parseCapability(text.trim()));
  const rest = new URLSearchParams();
  for (const name of passedOn) {
    const value = given(name);
    if (value !== undefined && value !== '') rest.set(name, value);
  }
  const query = rest.size > 0 ? `?${rest}` : '';
  return reply.redirect(`/uri/${encodeURIComponent(capability)}${query}`, 302);
}
