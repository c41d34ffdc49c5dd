/** Typed messages over NATS, on a connection that comes back for ever. */
export { Bus, type BusOptions, BusRefusedError, BusUnavailableError, type Stop } from './bus.js';
export { busRoute } from './connection-options.js';
export { MalformedMessageError, type Question, type Subject } from './subject.js';
export { type WorkMessage, WorkQueue, type WorkQueueOptions } from './work-queue.js';
