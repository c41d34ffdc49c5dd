import { InvalidArgumentError } from 'commander';

const iso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:00(\.0+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** A full hour: an ISO date or time, in UTC where it says nothing else. */
export function hourArgument(text: string): Date {
  const zoned = /T.*(Z|[+-]\d\d:\d\d)$/.test(text) || !text.includes('T') ? text : `${text}Z`;
  const time = iso.test(text) ? new Date(zoned) : new Date(Number.NaN);
  // Dates such as February 30 are taken for days of March.
  const isTime = !Number.isNaN(time.getTime()) && dayExists(text);
  if (!isTime) throw new InvalidArgumentError('Expected a time such as 2026-11-01 or 2026-11-01T15:00Z.');
  if (time.getTime() % 3_600_000 !== 0)
    throw new InvalidArgumentError('Usage is kept by the full hour of UTC.');
  return time;
}

function dayExists(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number];
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}

/** The first moment of the month, in UTC. */
export function startOfMonth(time: Date): Date {
  return new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth()));
}

/** The end of the hour that a moment lies in. */
export function endOfHour(time: Date): Date {
  return new Date((Math.floor(time.getTime() / 3_600_000) + 1) * 3_600_000);
}
