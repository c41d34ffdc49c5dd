import { describe, expect, it } from 'vitest';
import { pausedNow } from './pause.js';
import { QuietHoursPause, timeOfDay } from './quiet-hours.js';

const at = (time: string) => () => new Date(`2026-03-04T${time}:00`);
const hours = (from: string, to: string) => [{ from: timeOfDay.parse(from), to: timeOfDay.parse(to) }];

describe('quiet hours', () => {
  it.each([
    ['08:00', '18:00', '07:59', false],
    ['08:00', '18:00', '08:00', true],
    ['08:00', '18:00', '17:59', true],
    ['08:00', '18:00', '18:00', false],
    ['22:00', '06:30', '23:15', true],
    ['22:00', '06:30', '06:29', true],
    ['22:00', '06:30', '12:00', false],
    ['00:00', '24:00', '23:59', true],
  ])('from %s to %s: at %s %s', (from, to, now, quiet) => {
    const pause = new QuietHoursPause(hours(from, to), at(now));
    expect(pausedNow([pause])?.reason).toBe(quiet ? 'quiet hours' : undefined);
  });

  it.each([
    ['08:00', '18:00', '12:34', '2026-03-04T18:00:00'],
    ['22:00', '06:30', '23:15', '2026-03-05T06:30:00'],
    ['22:00', '24:00', '23:15', '2026-03-05T00:00:00'],
  ])('from %s to %s: at %s it is known that they end at %s', (from, to, now, end) => {
    expect(pausedNow([new QuietHoursPause(hours(from, to), at(now))])?.until).toEqual(new Date(end));
  });

  it('that follow each other end when the last of them does, and all day never', () => {
    const both = [...hours('08:00', '12:00'), ...hours('12:00', '13:30')];
    expect(new QuietHoursPause(both, at('09:00')).until).toEqual(new Date('2026-03-04T13:30:00'));
    expect(new QuietHoursPause(hours('00:00', '24:00'), at('09:00')).until).toBeUndefined();
    expect(new QuietHoursPause(both, at('07:00')).until).toBeUndefined();
  });

  it.each(['8', '24:01', '12:60', 'noon', ''])('are not told by %j', (text) => {
    expect(timeOfDay.safeParse(text).success).toBe(false);
  });
});
