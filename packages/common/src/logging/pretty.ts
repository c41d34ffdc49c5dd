import { PinoPretty as pretty } from 'pino-pretty';

/** The stream that turns log lines into something to read on a terminal. */
export function pinoPretty(): NodeJS.WritableStream {
  return pretty({ sync: true, colorize: true, ignore: 'service', translateTime: 'SYS:HH:MM:ss.l' });
}
