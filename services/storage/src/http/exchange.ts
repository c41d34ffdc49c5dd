import type { IncomingMessage, ServerResponse } from 'node:http';
import { cborMediaType, type RouteName, type SecretKind, type storageRoutes } from '@holdfast/lafs';
import type { Account } from '../records/accounts.js';

/** One request that has been recognised and authorised, and its response. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly account: Account;
  /** Those that the route asks for, and no others. */
  readonly secrets: Readonly<Record<SecretKind, Uint8Array>>;
}

/** The parameters in a route's path. */
export type PathParameters<Name extends RouteName> = Parameters<(typeof storageRoutes)[Name]['path']>[0];

/** Does what a route is for. Resolves when it has answered; what it throws becomes an answer too. */
export type Handler<Name extends RouteName> = (
  exchange: Exchange,
  parameters: PathParameters<Name>,
) => Promise<void>;

/** Answers with a CBOR message. */
export function answerCbor(response: ServerResponse, status: number, message: Uint8Array): void {
  response
    .writeHead(status, { 'content-type': cborMediaType, 'content-length': message.length })
    .end(message);
}

/** Answers without a body. */
export function answerEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 204 ? {} : { 'content-length': 0 }).end();
}

/**
 * Resolves when the client has taken the answer, or has gone. Not by the response alone: one that is behind another of
 * its connection is told nothing when that ends.
 */
export function taken({
  request: { socket },
  response,
}: Pick<Exchange, 'request' | 'response'>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('close', done);
      response.off('close', done);
      resolve();
    };
    // A client may have many requests under way on one connection.
    socket.setMaxListeners(0).on('close', done);
    response.on('close', done);
    if (socket.destroyed || response.closed) done();
  });
}
