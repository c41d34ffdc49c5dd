import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Logger } from './logger.js';

/** What was logged: the message and the fields. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** A logger that keeps what it is told, for tests of what stands in a log, and how often. */
export function recordingLogger(level: 'info' | 'warn' = 'warn'): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const stream = new Writable({
    write: (line, _encoding, done) => {
      lines.push(JSON.parse(String(line)) as LogLine);
      done();
    },
  });
  return { logger: pino({ level }, stream), lines };
}
