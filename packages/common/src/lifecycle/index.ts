/** Starting in order, stopping in reverse, and what signals mean. */
export { Lifecycle } from './lifecycle.js';
export { runService } from './run-service.js';
