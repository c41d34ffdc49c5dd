/** Starting in order, stopping in reverse, and what signals mean. */
export { Backlog } from './backlog.js';
export { collectForDataPath } from './data-path-collection.js';
export { inSlices } from './in-slices.js';
export { type JoinedSignal, joinSignals } from './joined-signal.js';
export { Lifecycle } from './lifecycle.js';
export { Repetition } from './repetition.js';
export { runService } from './run-service.js';
