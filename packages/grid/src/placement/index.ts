/** Which server gets which share: servers of happiness. */
export { largestMatching, type ShareMap, serversOfHappiness } from './happiness.js';
export { type Candidate, type Placement, placeShares } from './place-shares.js';
