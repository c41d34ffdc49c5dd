import { setTimeout as delay } from 'node:timers/promises';
import type { Msg } from '@nats-io/transport-node';
import { type Logger, Seldom } from '../logging/index.js';
import type { Bus, Stop } from './bus.js';
import { BusUnavailableError } from './bus.js';

/** How messages are handed out. */
export interface WorkQueueOptions {
  readonly bus: Bus;
  readonly logger: Logger;
  /** The stream's name: letters, digits, `-` and `_`. */
  readonly stream: string;
  /** What is said there goes into the stream. */
  readonly subject: string;
  /** The name under which all workers take messages. */
  readonly consumer: string;
  /** Milliseconds after which a message that was neither acknowledged nor held is handed out again. */
  readonly acknowledgeWithin: number;
  /** Most messages that are kept; of more, the oldest go. */
  readonly mostMessages: number;
}

/** A message that was handed to this worker, and to no other as long as it is held. */
export interface WorkMessage {
  /** It is done with: nobody gets it again. */
  acknowledge(): void;
  /** It is still being worked on. */
  hold(): void;
}

interface ApiAnswer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
}

const encoder = new TextEncoder();
const apiTimeout = 5_000;
/** What the server may take longer than it was told to wait. */
const answerGrace = 2_000;
/** JetStream: "stream name already in use with a different configuration". */
const streamDiffers = 10058;

/**
 * Messages that each go to one of many workers, by a JetStream stream with work-queue retention and a durable pull
 * consumer (docs.nats.io, "JetStream wire API reference"; nats-server 2.9 or newer). It wakes workers and spreads what
 * they do, and no more: it is kept in the server's memory, is made anew where the server lost it, and whoever uses it
 * must find by himself what a lost message did not tell.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #seldom = new Seldom();
  readonly #stopListening: Stop;
  #ready = false;
  #preparing: Promise<void> | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    // The server may be another one, or may have lost everything.
    this.#stopListening = options.bus.onConnect(() => void this.#prepare());
  }

  /** Whether messages are handed out, as far as is known. */
  get ready(): boolean {
    return this.#ready && this.#options.bus.connected;
  }

  /**
   * The next message.
   *
   * @param waitFor milliseconds to wait for one; 0 for one that is there already. Where the bus cannot be used at all,
   *   the time passes without one
   * @returns undefined where none came
   */
  async next(waitFor: number, signal: AbortSignal): Promise<WorkMessage | undefined> {
    const began = Date.now();
    const message = await this.#pull(waitFor, signal).catch((error: Error) => this.#miss(error));
    if (message) return message;
    const left = began + waitFor - Date.now();
    if (left > 0) await delay(left, undefined, { signal }).catch(() => undefined);
    return undefined;
  }

  /** Ends making the stream anew. */
  close(): void {
    this.#stopListening();
  }

  async #pull(waitFor: number, signal: AbortSignal): Promise<WorkMessage | undefined> {
    if (signal.aborted || !this.#options.bus.connected) return undefined;
    if (!this.#ready) await this.#prepare();
    if (!this.#ready) return undefined;
    const { bus, stream, consumer } = this.#options;
    const terms = waitFor > 0 ? { batch: 1, expires: inNanoseconds(waitFor) } : { batch: 1, no_wait: true };
    const answer = await untilAborted(
      bus.request(
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
        encoder.encode(JSON.stringify(terms)),
        waitFor + answerGrace,
      ),
      signal,
    );
    if (!answer) return undefined;
    const status = answer.headers?.code ?? 0;
    if (status === 0) return workMessage(answer);
    // 404: no message; 408: none in time. Anything else: the consumer is gone, or its server is.
    if (status !== 404 && status !== 408) {
      this.#ready = false;
      this.#warn(
        `${status} ${answer.headers?.description}`,
        'the bus refused to hand out work; asking again',
      );
    }
    return undefined;
  }

  #miss(error: Error): undefined {
    // An answer that does not come, not even that there is no message: the stream may be gone.
    this.#ready = false;
    this.#options.logger.debug({ error: error.message }, 'no message could be taken');
    return undefined;
  }

  #prepare(): Promise<void> {
    this.#preparing ??= this.#make().finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
  }

  async #make(): Promise<void> {
    const { stream, subject, consumer, acknowledgeWithin, mostMessages } = this.#options;
    const stored = {
      name: stream,
      subjects: [subject],
      retention: 'workqueue',
      storage: 'memory',
      discard: 'old',
      max_msgs: mostMessages,
    };
    const taken = {
      durable_name: consumer,
      ack_policy: 'explicit',
      ack_wait: inNanoseconds(acknowledgeWithin),
      deliver_policy: 'all',
      max_ack_pending: mostMessages,
      max_waiting: mostMessages,
    };
    try {
      const created = await this.#askServer(`STREAM.CREATE.${stream}`, stored);
      if (created.error?.err_code === streamDiffers)
        refuseError(await this.#askServer(`STREAM.UPDATE.${stream}`, stored));
      else refuseError(created);
      const made = { stream_name: stream, config: taken };
      refuseError(await this.#askServer(`CONSUMER.DURABLE.CREATE.${stream}.${consumer}`, made));
      this.#ready = true;
    } catch (error) {
      this.#ready = false;
      const reason =
        error instanceof BusUnavailableError && error.reason === 'nobody listens'
          ? 'the bus has no JetStream'
          : (error as Error).message;
      this.#warn(reason, 'the bus keeps no work queue; doing without');
    }
  }

  #warn(reason: string, consequence: string): void {
    const { logger, stream } = this.#options;
    const missed = this.#seldom.take(reason);
    if (missed !== undefined) logger.warn({ stream, error: reason, missed }, consequence);
  }

  async #askServer(call: string, value: object): Promise<ApiAnswer> {
    const data = encoder.encode(JSON.stringify(value));
    const answer = await this.#options.bus.request(`$JS.API.${call}`, data, apiTimeout);
    return answer.json<ApiAnswer>();
  }
}

/** Whole ones: of a part of one the server says that the request is malformed. */
function inNanoseconds(milliseconds: number): number {
  return Math.ceil(milliseconds * 1_000_000);
}

function refuseError({ error }: ApiAnswer): void {
  if (error) throw new Error(`JetStream: ${error.description ?? 'error'} (${error.err_code ?? error.code})`);
}

function workMessage(message: Msg): WorkMessage {
  return {
    acknowledge: () => void message.respond(encoder.encode('+ACK')),
    hold: () => void message.respond(encoder.encode('+WPI')),
  };
}

/** Undefined, at once, where the signal aborts before `work` has ended. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let stop = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
  });
  // It goes on, and may still fail.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
