import * as z from 'zod';
import type { Pause } from './pause.js';

const minutesOfDay = 24 * 60;

/** A time of day, `HH:MM`, read into minutes since midnight; `24:00` is the end of the day. */
export const timeOfDay = z.string('expected a time such as 22:30').transform((text, context) => {
  const [, hours, minutes] = (/^(\d{1,2}):(\d{2})$/.exec(text) ?? []).map(Number);
  const time = (hours ?? Number.NaN) * 60 + (minutes ?? Number.NaN);
  if (time <= minutesOfDay && (minutes ?? 60) < 60) return time;
  context.issues.push({ code: 'custom', message: 'expected a time such as 22:30', input: text });
  return z.NEVER;
});

/** A part of each day, in minutes since midnight; over midnight where `to` is before `from`. */
export interface QuietHours {
  readonly from: number;
  readonly to: number;
}

const minute = 60_000;

/** Parts of the day in which no job is begun. */
export class QuietHoursPause implements Pause {
  readonly #hours: readonly QuietHours[];
  readonly #now: () => Date;

  /** @param now by the clock on the wall */
  constructor(hours: readonly QuietHours[], now: () => Date = () => new Date()) {
    this.#hours = hours;
    this.#now = now;
  }

  get reason(): string | undefined {
    return this.#areAt(this.#now()) ? 'quiet hours' : undefined;
  }

  /** When they end; undefined where they are not, or never do. */
  get until(): Date | undefined {
    if (this.reason === undefined) return undefined;
    const now = this.#now();
    const end = new Date(now);
    end.setSeconds(0, 0);
    for (let looked = 0; looked <= minutesOfDay; looked++) {
      end.setMinutes(end.getMinutes() + 1);
      if (!this.#areAt(end)) return end;
    }
    return undefined;
  }

  /** Changed clocks and summer time are found out within a minute. */
  get lookAgainAfter(): number {
    return minute / 2;
  }

  #areAt(moment: Date): boolean {
    const time = moment.getHours() * 60 + moment.getMinutes();
    return this.#hours.some(({ from, to }) => contains(from, to, time));
  }
}

function contains(from: number, to: number, time: number): boolean {
  return from <= to ? from <= time && time < to : from <= time || time < to;
}
