import { byteSize, duration } from '../configuration/index.js';

/** The fields of `limits` in a `node.yaml` that say how slow a client may be. */
export const leastPaceSettings = {
  /** Bytes a second that a client must move, as an average, while it has a transfer under way. */
  slowest: byteSize.prefault('1kB').refine((bytes) => bytes >= 1, 'expected at least 1 byte'),
  /** How long the average is taken over. */
  patience: duration.prefault('1m').refine((time) => time >= 100, 'expected at least 100ms'),
};
