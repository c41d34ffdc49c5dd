import type { AddressInfo } from 'node:net';
import { Capacity } from '@holdfast/common/capacity';
import type { HostPort } from '@holdfast/common/configuration';
import type { Logger } from '@holdfast/common/logging';
import type { Registry } from '@holdfast/common/metrics';
import type { Grid } from '@holdfast/grid';
import fastify, { type FastifyInstance } from 'fastify';
import type { NodeConfiguration } from '../configuration.js';
import type { Repairers } from '../repairs/repairers.js';
import { answerErrors, refuseMalformed, tell } from './answer-errors.js';
import type { WebContext } from './context.js';
import { answerTo } from './errors.js';
import { nicknamesOf } from './nicknames.js';
import type { PageFiles } from './page-files.js';
import { addFileRoutes } from './routes/files.js';
import { addRepairsRoutes } from './routes/repairs.js';
import { addWelcomeRoutes } from './routes/welcome.js';
import { everywhere } from './security-headers.js';
import { SendingPace } from './sending-pace.js';
import type { NodeStatus } from './status.js';
import { watchTraffic } from './traffic.js';

/** What the web API is made with. */
export interface WebServerOptions {
  readonly listen: HostPort;
  readonly grid: Pick<Grid, 'upload' | 'open' | 'check' | 'repair'>;
  readonly status: () => NodeStatus;
  readonly repairers: Pick<Repairers, 'add' | 'status'>;
  readonly page: PageFiles;
  readonly limits: NodeConfiguration['limits'];
  readonly logger: Logger;
  readonly registry: Registry;
  /** Milliseconds that a client may neither send nor take while we wait for it. */
  readonly patience?: number;
}

/** A web API that is being served. */
export interface WebServer {
  readonly address: AddressInfo;
  /** Takes no more requests, and resolves when those at work have ended, or after eighteen seconds were cut. */
  close(): Promise<void>;
}

const usualPatience = 120_000;
/** Connections beyond those that may be at work or in line: for pages, and for those that have nothing to ask now. */
const spareConnections = 256;

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
    close: () => drain(web),
  };
}

/** Requests at work get this long to end, which is within what a service may take to stop. */
const longestDrain = 18_000;

async function drain(web: FastifyInstance): Promise<void> {
  // A connection becomes idle, and has to be closed, whenever the request on it ends.
  const sweep = setInterval(() => web.server.closeIdleConnections(), 50);
  const cut = setTimeout(() => web.server.closeAllConnections(), longestDrain);
  await web.close();
  clearInterval(sweep);
  clearTimeout(cut);
}

/** For each place, so many wait in line. */
const lineForEach = 4;

/** So many may be at work at once. */
function placesFor(of: string, size: number): Capacity {
  return new Capacity({ of: `places for ${of}`, size, longestLine: lineForEach * size });
}

/** The web API before it listens. */
export function buildWeb(options: WebServerOptions): FastifyInstance {
  const { limits, logger, registry } = options;
  const web = fastify({
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    // A request that comes while we stop, on a connection that is open, is still answered, and the last on it.
    return503OnClosing: false,
    // Files may take hours; it is silence that is not waited for (`patience`).
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    http: { headersTimeout: 20_000, highWaterMark: 256 * 1024 },
    routerOptions: { maxParamLength: 10_000 },
    clientErrorHandler: refuseMalformed,
    frameworkErrors: (error, _request, reply) => void tell(reply, answerTo(error)),
  });
  // More would have neither a place nor a stand in line; each costs memory and a file descriptor.
  web.server.maxConnections = (1 + lineForEach) * (limits.uploads + limits.downloads) + spareConnections;
  const senders = new SendingPace({ bytesPerSecond: limits.slowest, patience: limits.patience });
  web.addHook('onClose', async () => senders.close());
  const context: WebContext = {
    grid: options.grid,
    repairers: options.repairers,
    logger,
    uploads: placesFor('uploads', limits.uploads),
    downloads: placesFor('downloads', limits.downloads),
    senders,
    nicknames: () => nicknamesOf(options.status()),
    mostUploaded: limits.upload_size,
    patience: options.patience ?? usualPatience,
  };
  // Bodies are files: whatever their type, they are left for the route to stream.
  web.removeAllContentTypeParsers();
  web.addContentTypeParser('*', (_request, _body, done) => done(null));
  watchTraffic(web, logger, registry);
  web.addHook('onRequest', (request, reply, done) => {
    // The framework would refuse types that it cannot parse; what is stored has none.
    if (request.method === 'PUT') delete request.raw.headers['content-type'];
    for (const [name, value] of Object.entries(everywhere)) reply.raw.setHeader(name, value);
    done();
  });
  answerErrors(web, logger);
  addFileRoutes(web, context);
  addRepairsRoutes(web, context);
  addWelcomeRoutes(web, options.status, options.page);
  return web;
}
