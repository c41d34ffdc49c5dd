/** Logs that are for machines first and can hold no secret. */
export { createLogger, type Logger, type LoggerOptions, silentLogger } from './logger.js';
export { type LogLine, recordingLogger } from './recording-logger.js';
export { redact } from './redact.js';
export { Seldom } from './seldom.js';
