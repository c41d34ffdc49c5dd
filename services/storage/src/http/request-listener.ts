import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { PaceWatch, SlowDirection } from '@holdfast/common/client-pace';
import type { Logger } from '@holdfast/common/logging';
import {
  matchRoute,
  parseSecrets,
  type RouteMatch,
  type RouteName,
  refusalReasonHeader,
  storageRoutes,
} from '@holdfast/lafs';
import type { Credentials } from '../accounts/credentials.js';
import type { StorageMetrics } from '../metrics.js';
import { StorageError } from '../storage-error.js';
import { authorize, permit, permitWithout, secretValues } from './authorize.js';
import { type ErrorAnswer, errorAnswer } from './error-answer.js';
import type { Exchange, Handler } from './exchange.js';
import type { RepairersTurns } from './repairers-turns.js';

/** What does each route. */
export type Handlers = { readonly [Name in RouteName]: Handler<Name> };

/** What a server answers with once it can. */
export interface Service {
  readonly credentials: Credentials;
  /** Whether the records can be relied on: `problem` says why not. */
  readonly records: { readonly problem: string | undefined };
  readonly handlers: Handlers;
}

/**
 * How much of a body that nobody wants is read and thrown away, so that a client which is still sending gets to read
 * the answer. With more than this to come the connection is cut.
 */
const mostPassedOver = 64 * 1024 * 1024;

const passedOver = new WeakSet<IncomingMessage>();

/** Recognises, authorises and hands on each request, and answers those that fail. */
export function requestListener(fields: {
  /** Undefined until the server is ready, and while it stops. */
  readonly service: () => Service | undefined;
  readonly metrics: StorageMetrics;
  readonly logger: Logger;
  readonly pace: PaceWatch;
  readonly repairers: RepairersTurns;
}): RequestListener {
  const { service, metrics, logger, pace, repairers } = fields;
  return (request, response) => {
    const begun = performance.now();
    const match = matchRoute(request.method, request.url ?? '');
    pace.add(request, response);
    response.once('finish', () => passOver(request));
    response.once('close', () => {
      metrics.request(match.name ?? 'none', response.statusCode, (performance.now() - begun) / 1000);
    });
    answer(service(), repairers, match, request, response).catch((error: unknown) => {
      const told = errorAnswer(error);
      if (told.unexpected) {
        const { message, stack } = error as Error;
        logger.error({ route: match.name, error: message, stack }, 'a request failed');
      }
      answerError(request, response, told, match.name === undefined ? match.allowed : []);
    });
  };
}

async function answer(
  service: Service | undefined,
  repairers: RepairersTurns,
  match: ReturnType<typeof matchRoute>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!service) throw new StorageError('not-ready', 'this server is not ready');
  const account = authorize(request, service.credentials);
  if (match.name === undefined) {
    throw match.allowed.length > 0
      ? new StorageError('wrong-method', `expected ${match.allowed.join(' or ')}`)
      : new StorageError('unknown-path', 'there is nothing at this path');
  }
  permit(account, match.name);
  permitWithout(service.records.problem, match.name);
  const secrets = parseSecrets(secretValues(request), storageRoutes[match.name].secrets);
  const work = () => dispatch(service.handlers, match, { request, response, account, secrets });
  await (account.repairer ? repairers.take(match.name, () => response.destroyed, work) : work());
}

function dispatch<Name extends RouteName>(
  handlers: Handlers,
  match: Extract<RouteMatch, { name: Name }>,
  exchange: Exchange,
): Promise<void> {
  return (handlers[match.name] as Handler<Name>)(exchange, match.parameters as Parameters<Handler<Name>>[1]);
}

function answerError(
  request: IncomingMessage,
  response: ServerResponse,
  { status, text, reason }: ErrorAnswer,
  allowed: readonly string[],
): void {
  if (response.headersSent) {
    // Part of a share is out already: only a broken connection tells the client that the rest is not coming.
    response.destroy();
    return;
  }
  if (response.destroyed) return;
  passOver(request);
  const body = `${text}\n`;
  response
    .writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      ...(allowed.length > 0 ? { allow: allowed.join(', ') } : {}),
      ...(reason ? { [refusalReasonHeader]: reason } : {}),
    })
    .end(body);
}

/**
 * Ends what a client makes last too long: with an answer where none has gone out yet, else by cutting the connection,
 * which tells the reader of half a share that the rest is not coming.
 */
export function endSlowRequest(
  request: IncomingMessage,
  response: ServerResponse,
  direction: SlowDirection,
  leastPace: number,
): void {
  if (direction === 'taking' || response.headersSent || response.destroyed) {
    request.socket.destroy();
    return;
  }
  const text = `the body came slower than ${leastPace} bytes a second\n`;
  response
    .writeHead(408, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      connection: 'close',
    })
    .end(text, () => request.destroy());
}

/** Throws away what comes of a body that nobody reads. */
function passOver(request: IncomingMessage): void {
  if (request.complete || passedOver.has(request)) return;
  passedOver.add(request);
  let passed = 0;
  request.on('data', (chunk: Buffer) => {
    passed += chunk.length;
    if (passed > mostPassedOver) request.socket.destroy();
  });
  request.on('error', () => {
    // The client went away; there is nobody to tell.
  });
  request.resume();
}
