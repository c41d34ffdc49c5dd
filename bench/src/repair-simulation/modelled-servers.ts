import type { SeededChance } from './seeded-chance.js';
import { day, hour, minute, year } from './times.js';

/** What happens to the servers of the model. Times in milliseconds. */
export interface ServerTroubles {
  /** Of all servers, the share that is lost for good in a year, with all it held; a new, empty one joins for each. */
  readonly yearlyLoss: number;
  /** Mean time between two outages of a server; Infinity for none. */
  readonly outageEvery: number;
  /** One outage of so many lasts for days, and some of these longer than the grace time. */
  readonly longOutageOneIn: number;
  /** How often, over the whole time, the repairers' own network loses most of the servers at once. */
  readonly networkCuts: number;
}

const outageMedian = 20 * minute;
const outageDeviation = 1.5;
const longOutage = { least: day, most: 6 * day };
const cut = { least: 2 * hour, most: 5 * day, share: { least: 0.6, most: 1 } };

/** Storage servers that get lost, go away and come back, as long as they last. */
export class ModelledServers {
  /** Whether each is still there and has its shares, reached or not: 1 or 0. */
  readonly alive: Uint8Array;
  /** Whether each can be reached at this moment: 1 or 0. */
  readonly reached: Uint8Array;
  /** Servers that there ever were; their numbers are below this. */
  count: number;
  /** Outages that began. */
  outages = 0;
  readonly #diesAt: Float64Array;
  readonly #changesAt: Float64Array;
  readonly #up: Uint8Array;
  readonly #isCut: Uint8Array;
  readonly #cuts: { from: number; to: number; share: number }[];
  readonly #troubles: ServerTroubles;
  readonly #chance: SeededChance;
  #cutNow = false;

  /** @param duration of the whole simulation, in milliseconds */
  constructor(count: number, duration: number, troubles: ServerTroubles, chance: SeededChance) {
    this.#troubles = troubles;
    this.#chance = chance;
    const expectedLosses = (count * troubles.yearlyLoss * duration) / year;
    const most = Math.min(0xffff, count + Math.ceil(2 * expectedLosses) + 1000);
    this.alive = new Uint8Array(most);
    this.reached = new Uint8Array(most);
    this.#diesAt = new Float64Array(most);
    this.#changesAt = new Float64Array(most);
    this.#up = new Uint8Array(most);
    this.#isCut = new Uint8Array(most);
    this.count = 0;
    while (this.count < count) this.#join(0);
    this.#cuts = Array.from({ length: troubles.networkCuts }, () => {
      const from = chance.between(0, duration);
      const to = from + chance.between(cut.least, cut.most);
      return { from, to, share: chance.between(cut.share.least, cut.share.most) };
    });
  }

  /** Lets everything happen that happens until `now`. */
  advance(now: number): void {
    this.#cutNetwork(now);
    for (let server = 0; server < this.count; server++) {
      if (!this.alive[server]) continue;
      if (now >= (this.#diesAt[server] as number)) {
        this.alive[server] = 0;
        this.reached[server] = 0;
        this.#join(now);
        continue;
      }
      if (now >= (this.#changesAt[server] as number)) this.#change(server, now);
      this.reached[server] = this.#up[server] && !(this.#cutNow && this.#isCut[server]) ? 1 : 0;
    }
  }

  #join(now: number): void {
    const { yearlyLoss, outageEvery } = this.#troubles;
    const server = this.count++;
    if (server >= this.alive.length)
      throw new RangeError('more servers were lost than the model has room for');
    this.alive[server] = 1;
    this.reached[server] = 1;
    this.#up[server] = 1;
    this.#diesAt[server] =
      yearlyLoss > 0
        ? now + this.#chance.exponential(year / -Math.log(1 - yearlyLoss))
        : Number.POSITIVE_INFINITY;
    this.#changesAt[server] = now + this.#chance.exponential(outageEvery);
  }

  #change(server: number, now: number): void {
    const { outageEvery, longOutageOneIn } = this.#troubles;
    const chance = this.#chance;
    if (this.#up[server]) {
      this.outages++;
      const isLong = chance.next() * longOutageOneIn < 1;
      const lasts = isLong
        ? chance.between(longOutage.least, longOutage.most)
        : chance.logNormal(outageMedian, outageDeviation);
      this.#changesAt[server] = now + lasts;
    } else this.#changesAt[server] = now + chance.exponential(outageEvery);
    this.#up[server] = this.#up[server] ? 0 : 1;
  }

  #cutNetwork(now: number): void {
    const current = this.#cuts.find(({ from, to }) => from <= now && now < to);
    if (current && !this.#cutNow) {
      for (let server = 0; server < this.alive.length; server++)
        this.#isCut[server] = this.#chance.next() < current.share ? 1 : 0;
    }
    this.#cutNow = current !== undefined;
  }
}
