import { setTimeout as delay } from 'node:timers/promises';
import { type Msg, type NatsConnection, nuid, RequestError } from '@nats-io/transport-node';
import type { ConnectionTypes } from '../connections/index.js';
import { type Logger, Seldom } from '../logging/index.js';
import { connectionOptions } from './connection-options.js';
import { connectDialled } from './dialled-transport.js';
import {
  decodeMessage,
  encodeMessage,
  MalformedMessageError,
  type Question,
  type Subject,
} from './subject.js';

/** Nothing could be asked or said because there is no connection, nobody listens, or nobody answered in time. */
export class BusUnavailableError extends Error {
  override readonly name = 'BusUnavailableError';
  readonly code = 'bus-unavailable';

  constructor(
    readonly subject: string,
    readonly reason: 'not connected' | 'nobody listens' | 'no answer in time',
    options?: ErrorOptions,
  ) {
    super(`bus: ${subject}: ${reason}`, options);
  }
}

/** Whoever was asked does not take the question, and said why. */
export class BusRefusedError extends Error {
  override readonly name = 'BusRefusedError';
  readonly code = 'bus-refused';

  constructor(
    readonly subject: string,
    readonly reason: string,
  ) {
    super(`bus: ${subject}: refused: ${reason}`);
  }
}

/** A question whose answer would be said where anything but answers is heard. */
export class ForeignReplyError extends Error {
  override readonly name = 'ForeignReplyError';
  readonly code = 'foreign-reply';

  constructor(readonly subject: string) {
    super(`bus: ${subject}: its answer is wanted elsewhere than in an inbox: expected _INBOX.…`);
  }
}

/** Ends what a `subscribe`, `serve` or `onConnect` began. */
export type Stop = () => void;

/** How to reach the bus. */
export interface BusOptions {
  /** `nats://USER:PASSWORD@HOST:PORT`; with `tls://` only an encrypted connection is used. */
  readonly url: string;
  /** In PEM: the only certificates that the bus is trusted by; then the connection is always encrypted. */
  readonly ca?: string | undefined;
  /** Reads URL and `ca` anew for each attempt to connect, the first one too; only the password in the URL may differ. */
  readonly readAgain?: (() => Promise<Pick<BusOptions, 'url' | 'ca'>>) | undefined;
  /** Whoever shows any certificate will do: for what is sealed from end to end, and for a user that is nobody's. */
  readonly untrusted?: true;
  /** As the bus shows this client: the service and nickname. */
  readonly name: string;
  readonly logger: Logger;
  /** How its server may be reached; directly where not given. */
  readonly connectionTypes?: ConnectionTypes | undefined;
  /** Milliseconds that one attempt to connect may take; 20 seconds where not given. */
  readonly connectTimeout?: number;
}

interface Listener {
  readonly subject: string;
  readonly queue?: string;
  readonly onMessage: (message: Msg) => void;
  cancel?: Stop;
}

/** Where answers go to (docs.nats.io, "Request-Reply"). */
const inboxes = '_INBOX.';
const shortestWait = 100;
const longestWait = 4_000;

/**
 * A connection to NATS that is always being made: it opens in the background, comes back for ever with backoff,
 * and what was subscribed before the first connection, or before a loss, is subscribed after it. Nothing said
 * while there is no connection is kept: the truth is in Postgres, and every user of the bus asks again when
 * `onConnect` calls.
 */
export class Bus {
  readonly #options: BusOptions;
  readonly #listeners = new Set<Listener>();
  readonly #onConnect = new Set<() => void>();
  readonly #seldom = new Seldom();
  readonly #closing = new AbortController();
  readonly #opening: Promise<void>;
  #connection: NatsConnection | undefined;
  #connected = false;
  #problem: string | undefined;

  constructor(options: BusOptions) {
    this.#options = options;
    this.#opening = this.#open();
  }

  /** Whether the bus can be used at this moment. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Why it could not be reached, or was lost, the last time; undefined where neither has happened. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** What came and went on the connection so far, with the protocol's own bytes. */
  get traffic(): { readonly messages: number; readonly bytes: number } {
    const { inMsgs = 0, outMsgs = 0, inBytes = 0, outBytes = 0 } = this.#connection?.stats() ?? {};
    return { messages: inMsgs + outMsgs, bytes: inBytes + outBytes };
  }

  /** Says `value` to whoever listens. Returns false, having said nothing, where there is no connection. */
  publish<T>(subject: Subject<T>, value: T): boolean {
    if (!this.#connected || !this.#connection) return false;
    this.#connection.publish(subject.name, encodeMessage(value));
    return true;
  }

  /** Calls `listen` for each message of the right shape; with `queue`, each message goes to one listener of that queue. */
  subscribe<T>(subject: Subject<T>, listen: (value: T) => void | Promise<void>, queue?: string): Stop {
    return this.#listen(subject.name, queue, async (message) => {
      await listen(decodeMessage(message.subject, subject.schema, message.data));
    });
  }

  /**
   * Answers every question of the right shape, at inboxes only: whoever asks chooses where the answer goes, and might
   * choose a subject where others believe this client and not him. An answer that throws is logged, and the asker told
   * that it was refused.
   */
  serve<Q, A>(question: Question<Q, A>, answer: (value: Q) => A | Promise<A>, queue?: string): Stop {
    return this.#listen(question.name, queue, async (message) => {
      if (message.reply && !message.reply.startsWith(inboxes)) throw new ForeignReplyError(message.subject);
      try {
        message.respond(
          encodeMessage(await answer(decodeMessage(message.subject, question.schema, message.data))),
        );
      } catch (error) {
        const reason = error instanceof MalformedMessageError ? error.message : 'internal error';
        message.respond(encodeMessage({ refused: reason }));
        throw error;
      }
    });
  }

  /**
   * Asks, and waits for the first answer.
   *
   * @throws BusUnavailableError, BusRefusedError, and MalformedMessageError for an answer of the wrong shape
   */
  async ask<Q, A>(question: Question<Q, A>, value: Q, timeoutMs = 5_000): Promise<A> {
    if (!this.#connected || !this.#connection) throw new BusUnavailableError(question.name, 'not connected');
    let data: Uint8Array;
    beginInbox();
    try {
      data = (await this.#connection.request(question.name, encodeMessage(value), { timeout: timeoutMs }))
        .data;
    } catch (error) {
      throw unanswered(question.name, error);
    }
    return decodeAnswer(question, data);
  }

  /**
   * Says something that is no JSON of ours, to the server itself for instance, and waits for the first answer.
   *
   * @throws BusUnavailableError
   */
  async request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Msg> {
    if (!this.#connected || !this.#connection) throw new BusUnavailableError(subject, 'not connected');
    beginInbox();
    try {
      // An inbox of its own: the one that all questions share recognises answers by their subject, and a message that
      // JetStream hands out keeps the one under which it was said.
      return await this.#connection.request(subject, data, { timeout: timeoutMs, noMux: true });
    } catch (error) {
      throw unanswered(subject, error);
    }
  }

  /** Calls `react` at once if connected, and after every connection from now on. */
  onConnect(react: () => void): Stop {
    this.#onConnect.add(react);
    if (this.#connected) react();
    return () => this.#onConnect.delete(react);
  }

  /** Lets what is being handled end, then closes. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#opening;
    this.#connected = false;
    const connection = this.#connection;
    if (!connection || connection.isClosed()) return;
    // A drain waits for the server; without one it would wait for ever.
    await Promise.race([connection.drain(), delay(2_000, undefined, { ref: false })]).catch(() => undefined);
    if (!connection.isClosed()) await connection.close().catch(() => undefined);
  }

  #listen(subject: string, queue: string | undefined, handle: (message: Msg) => Promise<void>): Stop {
    const listener: Listener = {
      subject,
      ...(queue === undefined ? {} : { queue }),
      onMessage: (message) => {
        handle(message).catch((error: Error) => {
          // Once for each subject and kind in a while: anybody on the bus can say what is no message of ours.
          const missed = this.#seldom.take(`${message.subject} ${error.name}`);
          if (missed === undefined) return;
          this.#options.logger.warn(
            { subject: message.subject, error: error.message, missed },
            'a bus message was not handled',
          );
        });
      },
    };
    this.#listeners.add(listener);
    if (this.#connection) this.#attach(this.#connection, listener);
    return () => {
      this.#listeners.delete(listener);
      listener.cancel?.();
    };
  }

  /** The library subscribes again by itself after a reconnection, so each listener is attached once. */
  #attach(connection: NatsConnection, listener: Listener): void {
    const subscription = connection.subscribe(listener.subject, {
      ...(listener.queue === undefined ? {} : { queue: listener.queue }),
      callback: (error, message) => {
        if (!error) listener.onMessage(message);
        else
          this.#options.logger.warn(
            { subject: listener.subject, error: error.message },
            'bus subscription refused',
          );
      },
    });
    listener.cancel = () => {
      if (!subscription.isClosed()) subscription.unsubscribe();
    };
  }

  async #open(): Promise<void> {
    const { logger } = this.#options;
    let wait = shortestWait;
    let said = '';
    while (!this.#closing.signal.aborted) {
      try {
        this.#connection = await connectDialled(connectionOptions(this.#options, this.#closing.signal));
        break;
      } catch (error) {
        const reason = (error as Error).message;
        this.#problem = reason;
        if (reason !== said)
          logger.warn({ error: reason }, 'the bus cannot be reached yet; trying until it can');
        said = reason;
      }
      await delay(wait * (0.5 + Math.random()), undefined, { signal: this.#closing.signal }).catch(
        () => undefined,
      );
      wait = Math.min(wait * 2, longestWait);
    }
    const connection = this.#connection;
    if (!connection || this.#closing.signal.aborted) return;
    for (const listener of this.#listeners) this.#attach(connection, listener);
    void this.#follow(connection);
    this.#announceConnected('connected to the bus');
  }

  async #follow(connection: NatsConnection): Promise<void> {
    const { logger } = this.#options;
    for await (const status of connection.status()) {
      if (status.type === 'disconnect' && this.#connected) {
        this.#connected = false;
        this.#problem = 'the connection was lost';
        logger.warn('the connection to the bus was lost; trying to get it back');
      } else if (status.type === 'reconnect') {
        this.#announceConnected('connected to the bus again');
      } else if (status.type === 'error') {
        logger.warn({ error: status.error.message }, 'the bus reports an error');
      }
    }
  }

  #announceConnected(message: string): void {
    this.#connected = true;
    this.#options.logger.info(message);
    for (const react of this.#onConnect) react();
  }
}

/**
 * The library names all inboxes of a process by one prefix of chance and a number: two buses that compare them would know
 * their common client, and whoever answers one question could answer the next.
 */
function beginInbox(): void {
  nuid.reset();
}

function decodeAnswer<Q, A>({ name, answer }: Question<Q, A>, data: Uint8Array): A {
  try {
    return decodeMessage<A>(name, answer, data);
  } catch (error) {
    const refusal = parseRefusal(data);
    throw refusal === undefined ? error : new BusRefusedError(name, refusal);
  }
}

/** Why a question was refused, where the answer says so and the question has no shape of its own for it. */
function parseRefusal(data: Uint8Array): string | undefined {
  try {
    const { refused } = JSON.parse(new TextDecoder().decode(data)) as { refused?: unknown };
    return typeof refused === 'string' ? refused : undefined;
  } catch {
    return undefined;
  }
}

function unanswered(subject: string, error: unknown): BusUnavailableError {
  const nobody = error instanceof RequestError && error.isNoResponders();
  return new BusUnavailableError(subject, nobody ? 'nobody listens' : 'no answer in time', { cause: error });
}
