import type { Logger } from '@holdfast/common/logging';
import { Counter, Gauge, Histogram, type Registry } from '@holdfast/common/metrics';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Bytes of file content that went through this request. */
    content: { received: number; sent: number };
    /** What went wrong, where something did. */
    failure: string | undefined;
  }
}

/**
 * Writes one log line and some figures for each request that is over, whether the client had all of its answer or
 * not. A path may hold a capability: only the pattern of its route is named.
 */
export function watchTraffic(web: FastifyInstance, logger: Logger, registry: Registry): void {
  const figures = openFigures(registry);
  web.decorateRequest('content');
  web.decorateRequest('failure');
  web.addHook('onRequest', (request, reply, done) => {
    request.content = { received: 0, sent: 0 };
    const start = performance.now();
    figures.open.inc();
    reply.raw.once('close', () => {
      const { statusCode, writableFinished } = reply.raw;
      const route = routeOf(request);
      const seconds = (performance.now() - start) / 1000;
      figures.open.dec();
      figures.seconds.observe({ method: request.method, route, status: statusCode }, seconds);
      figures.content.inc({ direction: 'received' }, request.content.received);
      figures.content.inc({ direction: 'sent' }, request.content.sent);
      logger.info(
        {
          method: request.method,
          route,
          status: statusCode,
          ...request.content,
          milliseconds: Math.round(seconds * 1000),
          ...(request.failure === undefined ? {} : { failure: request.failure }),
          ...(writableFinished ? {} : { unfinished: true }),
        },
        'request',
      );
    });
    done();
  });
}

/** The pattern that the request's path fits, `/uri/*` for instance. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'none';
}

function openFigures(registry: Registry) {
  const registers = [registry];
  return {
    open: new Gauge({ name: 'holdfast_web_requests_open', help: 'Web API requests at work', registers }),
    seconds: new Histogram({
      name: 'holdfast_web_request_seconds',
      help: 'Duration of web API requests',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600],
      registers,
    }),
    content: new Counter({
      name: 'holdfast_web_content_bytes_total',
      help: 'Bytes of file content through the web API',
      labelNames: ['direction'],
      registers,
    }),
  };
}
