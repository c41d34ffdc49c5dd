import { type Logger, Seldom } from '@holdfast/common/logging';
import { Counter, type Registry } from '@holdfast/common/metrics';
import type { KnownServersOptions } from './known-servers.js';

/**
 * Tells the operator of servers beyond the most that one introducer is believed to know: each in a figure, and once in a
 * while in the log, since introducers tell all of their servers again and again.
 */
export function tellOfPassedOver(
  logger: Logger,
  registry: Registry,
): NonNullable<KnownServersOptions['onPassedOver']> {
  const seldom = new Seldom();
  const passedOver = new Counter({
    name: 'holdfast_announcements_passed_over_total',
    help: 'Announcements of servers beyond the most that one introducer is believed to know',
    labelNames: ['introducer'],
    registers: [registry],
  });
  return (introducer, most) => {
    passedOver.inc({ introducer });
    const missed = seldom.take(introducer);
    if (missed !== undefined)
      logger.warn({ introducer, most, missed }, 'an introducer tells of more servers than are believed');
  };
}
