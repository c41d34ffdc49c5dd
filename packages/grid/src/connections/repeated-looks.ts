import type { DialTurns } from './dial-turns.js';

/** What is needed to look at one server again and again. */
export interface RepeatedLooksOptions {
  /** Asks the server whether it is there; resolves to whether it is. Never rejects. */
  readonly look: () => Promise<boolean>;
  readonly isConnected: () => boolean;
  /** Milliseconds within which the first look is, by chance. */
  readonly startSpread: number;
  /** Of whoever is looked at and not connected. */
  readonly turns: DialTurns;
}

const shortestWait = 250;
/** Without an introducer nobody tells us that a server is back: it is to be used again within seconds all the same. */
const longestWait = 5_000;
const heartbeat = 20_000;

/** What cuts a pause short: news of the server, doubt whether it is still there, or the end. */
type Interruption = 'news' | 'doubt' | 'end';

/**
 * Looks at one server, in the background: with backoff and in its turn until the server answers, every twenty seconds
 * while it does, and at once when it is doubted. Between two looks this holds one timer at most, as there may be thousands.
 */
export class RepeatedLooks {
  readonly #options: RepeatedLooksOptions;
  readonly #running: Promise<void>;
  #news = false;
  #doubt = false;
  #ended = false;
  /** What the present wait is cut short by, and how. */
  #waiting: { readonly by: Interruption; readonly end: () => void } | undefined;

  constructor(options: RepeatedLooksOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** The server has said that it is there: while it is away, it is looked at at once, whatever the backoff says. */
  hearNews(): void {
    this.#news = true;
    this.#cutShort('news');
  }

  /** Something went wrong with the server: while it is connected, it is looked at at once. */
  doubt(): void {
    this.#doubt = true;
    this.#cutShort('doubt');
  }

  /** Looks no more. Resolves when the look that is under way has ended. */
  end(): Promise<void> {
    this.#ended = true;
    this.#cutShort('end');
    return this.#running;
  }

  async #run(): Promise<void> {
    const { look, isConnected, startSpread, turns } = this.#options;
    let wait = shortestWait;
    await this.#pause(Math.random() * startSpread, 'end');
    while (!this.#ended) {
      const mustWait = !isConnected();
      if (mustWait) await this.#turn();
      if (this.#ended) return;
      this.#news = false;
      this.#doubt = false;
      const answered = await look();
      if (answered && mustWait) turns.giveBack();
      wait = answered ? shortestWait : Math.min(wait * 2, longestWait);
      // Chance in every pause, so that a restart does not knock on every door in the same instant.
      const pause = (answered ? heartbeat : wait) * (0.75 + Math.random() / 2);
      // A server that cannot be reached is not asked more often because it cannot be reached.
      await this.#pause(pause, answered ? 'doubt' : 'news');
      // A server that closes every connection wakes us with each: it is not asked in a circle for that. Nor are all
      // asked in the same instant when our own network breaks.
      await this.#pause(shortestWait * (1 + 2 * Math.random()), 'end');
    }
  }

  /** Waits for a turn: an urgent one, also when it becomes urgent meanwhile. */
  async #turn(): Promise<void> {
    let hasTurn = false;
    while (!hasTurn && !this.#ended) {
      const urgent = this.#news;
      hasTurn = await new Promise<boolean>((resolve) => {
        let leave = () => {};
        const end = (came: boolean) => {
          this.#waiting = undefined;
          leave();
          resolve(came);
        };
        this.#waiting = { by: urgent ? 'end' : 'news', end: () => end(false) };
        leave = this.#options.turns.wait(() => end(true), urgent);
      });
    }
  }

  /** What has come since the last look ends it before it begins. */
  #pause(time: number, by: Interruption): Promise<void> {
    if (this.#ended || (by === 'news' && this.#news) || (by === 'doubt' && this.#doubt))
      return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting = undefined;
        resolve();
      };
      const timer = setTimeout(end, time);
      this.#waiting = { by, end };
    });
  }

  #cutShort(by: Interruption): void {
    if (by === 'end' || by === this.#waiting?.by) this.#waiting?.end();
  }
}
