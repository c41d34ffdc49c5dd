import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '@holdfast/common/logging';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { answerTo, type ErrorAnswer, RequestError } from './errors.js';

/** Milliseconds that the rest of a refused body is read, so that its sender gets to read why. */
const lingering = 5_000;

/** Answers what is not even HTTP. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  const text = `${STATUS_CODES[status]}\n`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}`;
  socket.end(`${head}\r\nConnection: close\r\n\r\n${text}`);
}

/** The one place where errors become statuses and texts. */
export function answerErrors(web: FastifyInstance, logger: Logger): void {
  web.setNotFoundHandler(() => {
    throw new RequestError(404, 'not-found', 'there is nothing here; the web API is at /uri and /file');
  });
  web.setErrorHandler((error, request, reply) => {
    const answer = answerTo(error);
    const { code } = answer;
    const gone = reply.raw.destroyed || request.raw.errored !== null;
    request.failure = gone && code === 'internal' ? 'client-gone' : code;
    if (request.failure === 'internal') {
      const { stack, message } = error as Error;
      logger.error({ error: stack ?? message }, 'a request failed');
    }
    if (gone) {
      reply.hijack();
      reply.raw.destroy();
      return;
    }
    if (!request.raw.complete) passOver(request.raw);
    return tell(reply, answer);
  });
}

/**
 * Throws away for a while what still comes of a body. A client may look for our answer only when it has sent all, and a
 * connection that is closed while unread bytes are on it takes the answer with it.
 */
function passOver(body: IncomingMessage): void {
  const cut = setTimeout(() => body.destroy(), lingering).unref();
  body.once('end', () => clearTimeout(cut));
  body.resume();
}

/** Sends an error as plain text. */
export function tell(reply: FastifyReply, { status, text, headers }: ErrorAnswer): FastifyReply {
  return reply
    .code(status)
    .headers({ 'content-type': 'text/plain;charset=utf-8', ...headers })
    .header('cache-control', 'no-store')
    .send(`${text}\n`);
}
