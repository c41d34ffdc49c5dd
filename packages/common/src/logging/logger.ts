import { type Logger, pino } from 'pino';
import { pinoPretty } from './pretty.js';
import { redact } from './redact.js';

export type { Logger } from 'pino';

/** What to log as, and how much. */
export interface LoggerOptions {
  /** `introducer`, `storage`, `broker`, … */
  readonly service: string;
  readonly nickname: string;
  readonly level: string;
}

/**
 * The root logger of a process: one JSON line per event on standard output, or readable lines on a terminal.
 * Every line passes through `redact` last of all, so that no call site can leak a secret.
 */
export function createLogger({ service, nickname, level }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { service, nickname },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redact },
    },
    process.stdout.isTTY ? pinoPretty() : pino.destination({ fd: 1, sync: true }),
  );
}

/** A logger that says nothing: for tools and tests that are not a service. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
