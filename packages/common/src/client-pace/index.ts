/** How fast clients of an HTTP server send and take at the least, and who does not. */
export { type LeastPace, PaceWatch, type SlowDirection } from './pace-watch.js';
export { leastPaceSettings } from './settings.js';
