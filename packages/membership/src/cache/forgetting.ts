import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@holdfast/common/database';
import { Repetition } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import type { ServerStatus } from '@holdfast/grid';
import type { KnownServers } from '../servers/known-servers.js';
import {
  type ForgottenServer,
  forgetServers,
  forgottenServers,
  noteReached,
  pruneForgotten,
  silentServers,
} from './forgotten-servers.js';

const minute = 60_000;
/** How often it is looked for what an operator, or another node of the cache, has forgotten. */
const mostBetweenLooks = minute / 6;
/** How often it is written down who was reached, and those are forgotten who were not for long. */
const mostBetweenSweeps = 10 * minute;
/** That a server was forgotten is remembered for so many times `forgetAfter`: then its old announcements are told nowhere. */
const rememberedTimes = 4;
/** For so long at the least, since an introducer may tell of servers for longer than we remember them. */
const leastRemembered = 30 * 24 * 60 * minute;
/** A statement that forgets may take so long from its beginning, by whose time its rows are, until others see them. */
const slowestForgetting = minute;
/** How long a node runs before it forgets anybody: while it was away it reached and heard nobody. */
const mostPatience = 60 * minute;

/** What is needed to forget servers. */
export interface ForgettingOptions {
  readonly database: Database;
  readonly grid: string;
  readonly logger: Logger;
  readonly known: Pick<KnownServers, 'forget' | 'rememberForgotten'>;
  readonly statuses: () => readonly Pick<ServerStatus, 'id' | 'state' | 'lastReached'>[];
  /** A server of which nothing new was heard, and which was not reached, for so many milliseconds is forgotten. */
  readonly forgetAfter: number;
}

/**
 * Keeps the cache free of servers that are gone for good. Nobody is forgotten while no server at all is reached: then
 * it is rather this node's network that is away.
 */
export class Forgetting {
  readonly #options: ForgettingOptions;
  readonly #started = Date.now();
  readonly #noted = new Map<string, number>();
  readonly #looks: Repetition;
  #lastSweep = Date.now();
  #lastFollowed = Date.now();

  constructor(options: ForgettingOptions) {
    this.#options = options;
    const between = Math.min(mostBetweenLooks, options.forgetAfter / 4);
    this.#looks = new Repetition(() => this.#look(), between);
  }

  /** Takes what was forgotten before this node started, and begins. To be called before the cache is loaded. */
  async start(): Promise<void> {
    await this.#followAll();
    this.#looks.start();
  }

  /** Ends, and writes down who was reached, if Postgres takes it soon. */
  async stop(): Promise<void> {
    await this.#looks.stop();
    const noted = this.#noteReached().catch(() => undefined);
    await Promise.race([noted, delay(2_000, undefined, { ref: false })]);
  }

  async #look(): Promise<boolean> {
    const { forgetAfter, logger } = this.#options;
    try {
      const sweepNow = Date.now() - this.#lastSweep >= Math.min(mostBetweenSweeps, forgetAfter / 4);
      if (sweepNow) {
        await this.#noteReached();
        await this.#forgetSilent();
        await this.#followAll();
        this.#lastSweep = Date.now();
      } else {
        await this.#follow();
      }
      return true;
    } catch (error) {
      logger.debug({ error: (error as Error).message }, 'forgotten servers could not be looked for');
      return false;
    }
  }

  async #noteReached(): Promise<void> {
    const { database, grid, statuses } = this.#options;
    const reached = statuses().flatMap(({ id, lastReached }) =>
      lastReached && lastReached.getTime() > (this.#noted.get(id) ?? 0)
        ? [{ serverId: id, at: lastReached }]
        : [],
    );
    const noted = await noteReached(database, grid, reached);
    for (const { serverId, at } of reached) if (noted.has(serverId)) this.#noted.set(serverId, at.getTime());
  }

  async #forgetSilent(): Promise<void> {
    const { database, grid, statuses, forgetAfter, logger } = this.#options;
    if (Date.now() - this.#started < Math.min(mostPatience, forgetAfter)) return;
    const connected = new Set(statuses().flatMap(({ id, state }) => (state === 'connected' ? [id] : [])));
    if (connected.size === 0) return;
    const silent = await silentServers(database, grid, forgetAfter);
    const gone = silent.filter((id) => !connected.has(id));
    if (gone.length === 0) return;
    for (const serverId of await forgetServers(database, grid, gone, forgetAfter))
      logger.info({ serverId }, 'a server was forgotten, which was neither heard of nor reached for long');
  }

  /** Forgets what was forgotten since the last look. */
  async #follow(): Promise<void> {
    const { database, grid } = this.#options;
    const now = Date.now();
    this.#forget(await forgottenServers(database, grid, now - this.#lastFollowed + slowestForgetting));
    this.#lastFollowed = now;
  }

  /** Forgets all that was forgotten, and remembers no longer what was long ago. */
  async #followAll(): Promise<void> {
    const { database, grid, known, forgetAfter } = this.#options;
    const now = Date.now();
    await pruneForgotten(database, grid, Math.max(rememberedTimes * forgetAfter, leastRemembered));
    const forgotten = await forgottenServers(database, grid);
    this.#forget(forgotten);
    known.rememberForgotten(new Set(forgotten.map(({ serverId }) => serverId)));
    this.#lastFollowed = now;
  }

  #forget(forgotten: readonly ForgottenServer[]): void {
    for (const { serverId, seqnum } of forgotten) {
      if (this.#options.known.forget(serverId, seqnum)) this.#noted.delete(serverId);
    }
  }
}
