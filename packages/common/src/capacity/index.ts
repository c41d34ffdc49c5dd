/** How much of something may be taken at once, and the line of those who wait for it. */
export { Capacity, type CapacityOptions, OverloadedError, type Reservation } from './capacity.js';
