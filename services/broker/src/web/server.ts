import { STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { HostPort } from '@holdfast/common/configuration';
import type { Logger } from '@holdfast/common/logging';
import type { Registry } from '@holdfast/common/metrics';
import type { Grid } from '@holdfast/grid';
import fastify, { type FastifyInstance } from 'fastify';
import type { NodeConfiguration } from '../configuration.js';
import type { WebContext } from './context.js';
import { answerTo, RequestError } from './errors.js';
import type { PageFiles } from './page-files.js';
import { addFileRoutes } from './routes/files.js';
import { addWelcomeRoutes } from './routes/welcome.js';
import { everywhere } from './security-headers.js';
import { Slots } from './slots.js';
import type { NodeStatus } from './status.js';
import { watchTraffic } from './traffic.js';

/** What the web API is made with. */
export interface WebServerOptions {
  readonly listen: HostPort;
  readonly grid: Pick<Grid, 'upload' | 'open'>;
  readonly status: () => NodeStatus;
  readonly page: PageFiles;
  readonly limits: NodeConfiguration['limits'];
  readonly logger: Logger;
  readonly registry: Registry;
}

/** A web API that is being served. */
export interface WebServer {
  readonly address: AddressInfo;
  /** Takes no more requests, and resolves when those at work are done. */
  close(): Promise<void>;
}

const patience = 120_000;
/** How long the rest of a refused body is read, so that its sender gets to read why. */
const lingering = 5_000;

/**
 * Serves the web API.
 *
 * @throws the system's error where the address cannot be listened at
 */
export async function openWebServer(options: WebServerOptions): Promise<WebServer> {
  const web = buildWeb(options);
  await web.listen({ host: options.listen.host, port: options.listen.port });
  return {
    address: web.server.address() as AddressInfo,
    close: () => web.close(),
  };
}

/** The web API before it listens. */
export function buildWeb(options: WebServerOptions): FastifyInstance {
  const { limits, logger, registry } = options;
  const web = fastify({
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    // Files may take hours; it is silence that is not waited for (`patience`).
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    http: { headersTimeout: 20_000, highWaterMark: 256 * 1024 },
    routerOptions: { maxParamLength: 10_000 },
    clientErrorHandler: refuseMalformed,
  });
  const context: WebContext = {
    grid: options.grid,
    logger,
    uploads: new Slots({ size: limits.uploads }),
    downloads: new Slots({ size: limits.downloads }),
    mostUploaded: limits.upload_size,
    patience,
  };
  // Bodies are files: whatever their type, they are left for the route to stream.
  web.removeAllContentTypeParsers();
  web.addContentTypeParser('*', (_request, _body, done) => done(null));
  watchTraffic(web, logger, registry);
  web.addHook('onRequest', (_request, reply, done) => {
    for (const [name, value] of Object.entries(everywhere)) reply.raw.setHeader(name, value);
    done();
  });
  answerErrors(web, logger);
  addFileRoutes(web, context);
  addWelcomeRoutes(web, options.status, options.page);
  return web;
}

/** Answers what is not even HTTP. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
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
function answerErrors(web: FastifyInstance, logger: Logger): void {
  web.setNotFoundHandler(() => {
    throw new RequestError(404, 'not-found', 'there is nothing here; the web API is at /uri and /file');
  });
  web.setErrorHandler((error, request, reply) => {
    const { status, code, text, headers } = answerTo(error);
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
    const { raw: body } = request;
    if (!body.complete) {
      const cut = setTimeout(() => body.destroy(), lingering);
      body.once('close', () => clearTimeout(cut));
    }
    // A browser that keeps our answer to a bad request would show it again when all is well.
    const heads = { 'content-type': 'text/plain;charset=utf-8', 'cache-control': 'no-store', ...headers };
    return reply.code(status).headers(heads).send(`${text}\n`);
  });
}
