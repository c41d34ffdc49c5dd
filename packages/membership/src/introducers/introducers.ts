import { AnnouncementSubscriber, type VerifiedAnnouncement } from '@holdfast/common/announcements';
import { Bus, busRoute } from '@holdfast/common/bus';
import type { HandlerName } from '@holdfast/common/connections';
import type { IntroducerAccess } from '@holdfast/common/introducers';
import type { Logger } from '@holdfast/common/logging';
import { Gauge, type Registry } from '@holdfast/common/metrics';
import type { HeardAnnouncement } from '../cache/announcement-cache.js';

/** Whether an introducer can be heard at the moment. */
export interface IntroducerStatus {
  readonly name: string;
  /** `host:port` of its bus. */
  readonly address: string;
  /** What makes the connection; undefined where nothing may. */
  readonly handler: HandlerName | undefined;
  readonly connected: boolean;
  /** When it told of a server last, be it new or not. */
  readonly lastHeard: Date | undefined;
  /** Why its bus could not be reached, or was lost; undefined while it is connected. */
  readonly lastError: string | undefined;
}

/** What is needed to listen to introducers. */
export interface IntroducersOptions {
  readonly grid: string;
  /** As their buses show this client, all of them the same: nothing that tells one node from another. */
  readonly clientName: string;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly onAnnouncement: (heard: HeardAnnouncement) => void;
}

/** Every introducer that the operator named, each with a bus and a subscription of its own. */
export class Introducers {
  readonly #options: IntroducersOptions;
  readonly #introducers = new Map<string, Introducer>();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: IntroducersOptions) {
    this.#options = options;
    const statuses = () => this.statuses();
    new Gauge({
      name: 'holdfast_introducer_connected',
      help: 'Whether the bus of an introducer is connected: 1 or 0',
      labelNames: ['introducer'],
      registers: [options.registry],
      collect() {
        this.reset();
        for (const { name, connected } of statuses()) this.set({ introducer: name }, connected ? 1 : 0);
      },
    });
  }

  /** Listens to these and no others. One that was there before, and is reached as before, is not interrupted. */
  set(settings: ReadonlyMap<string, IntroducerAccess>): void {
    for (const [name, introducer] of this.#introducers) {
      const now = settings.get(name);
      if (now && isReachedAlike(now, introducer.settings)) continue;
      this.#introducers.delete(name);
      const closing = introducer.close().finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
    for (const [name, each] of settings) {
      if (!this.#introducers.has(name))
        this.#introducers.set(name, new Introducer(name, each, this.#options));
    }
  }

  /** How each is doing, in the order in which they were named. */
  statuses(): IntroducerStatus[] {
    return [...this.#introducers.values()].map((introducer) => introducer.status());
  }

  /** The connection to one of them, to say more on it; undefined where there is none of the name. */
  busOf(name: string): Bus | undefined {
    return this.#introducers.get(name)?.bus;
  }

  /** Ends listening to all of them. */
  async close(): Promise<void> {
    this.set(new Map());
    await Promise.all(this.#closing);
  }
}

function isReachedAlike(a: IntroducerAccess, b: IntroducerAccess): boolean {
  const way = ({ url, ca, connectionTypes }: IntroducerAccess) => JSON.stringify([url, ca, connectionTypes]);
  return way(a) === way(b);
}

function handlerOf(settings: IntroducerAccess): HandlerName | undefined {
  try {
    return busRoute(settings).handler.handler;
  } catch {
    return undefined;
  }
}

class Introducer {
  readonly settings: IntroducerAccess;
  readonly #name: string;
  readonly bus: Bus;
  readonly #stop: () => Promise<void>;
  #lastHeard: Date | undefined;

  constructor(name: string, settings: IntroducerAccess, options: IntroducersOptions) {
    const { grid, clientName, onAnnouncement } = options;
    const logger = options.logger.child({ introducer: name });
    this.#name = name;
    this.settings = settings;
    this.bus = new Bus({ ...settings, name: clientName, logger });
    const hear = (announcement: VerifiedAnnouncement) => {
      this.#lastHeard = new Date();
      onAnnouncement({ introducer: name, announcement });
    };
    this.#stop = new AnnouncementSubscriber({ bus: this.bus, grid, logger, onAnnouncement: hear }).start();
  }

  status(): IntroducerStatus {
    const { connected, problem } = this.bus;
    return {
      name: this.#name,
      address: new URL(this.settings.url).host,
      handler: handlerOf(this.settings),
      connected,
      lastHeard: this.#lastHeard,
      lastError: connected ? undefined : problem,
    };
  }

  async close(): Promise<void> {
    await this.#stop();
    await this.bus.close();
  }
}
