import { createRequire } from 'node:module';

/**
 * The stream that turns log lines into something to read on a terminal. What makes it is loaded here and not before: it
 * would be 35 ms of the start of every process, and most have no terminal.
 */
export function pinoPretty(): NodeJS.WritableStream {
  const { PinoPretty: pretty } = createRequire(import.meta.url)(
    'pino-pretty',
  ) as typeof import('pino-pretty');
  return pretty({ sync: true, colorize: true, ignore: 'service', translateTime: 'SYS:HH:MM:ss.l' });
}
