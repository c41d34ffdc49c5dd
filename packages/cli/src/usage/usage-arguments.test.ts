import { describe, expect, it } from 'vitest';
import { endOfHour, hourArgument, startOfMonth } from './usage-arguments.js';

describe('a time from which usage is reported', () => {
  it.each([
    ['2026-11-01', '2026-11-01T00:00:00.000Z'],
    ['2026-11-01T15:00', '2026-11-01T15:00:00.000Z'],
    ['2026-11-01T15:00Z', '2026-11-01T15:00:00.000Z'],
    ['2026-11-01T15:00:00.000Z', '2026-11-01T15:00:00.000Z'],
    ['2026-11-01T15:00+01:00', '2026-11-01T14:00:00.000Z'],
  ])('%s is %s', (text, time) => {
    expect(hourArgument(text).toISOString()).toBe(time);
  });

  it.each([
    '2026-11-01T15:30Z',
    '2026-11-01T15:00:01Z',
    '2026-11-01T15:00+05:30',
    '2026-13-01',
    '2026-02-30',
    '01.11.2026',
    'now',
    '',
  ])('%j is refused', (text) => {
    expect(() => hourArgument(text)).toThrow();
  });

  it('is the first of this month where none is given, and the end the hour under way', () => {
    const now = new Date('2026-11-21T02:10:00Z');
    expect(startOfMonth(now).toISOString()).toBe('2026-11-01T00:00:00.000Z');
    expect(endOfHour(now).toISOString()).toBe('2026-11-21T03:00:00.000Z');
    expect(endOfHour(new Date('2026-11-21T02:00:00Z')).toISOString()).toBe('2026-11-21T03:00:00.000Z');
  });
});
