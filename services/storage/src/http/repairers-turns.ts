import type { RouteName } from '@holdfast/lafs';
import { Room } from '../room.js';

/** Requests for which nobody waits: they take next to nothing, and by the first a repairer sees that the server is there. */
const atOnce: readonly RouteName[] = [
  'version',
  'abortUpload',
  'reportCorruption',
  'reportMutableCorruption',
];

/**
 * The turns that repairers take at one storage server. However many there are, so many of their requests are worked on at a
 * time, and the others wait outside: who stores and reads files does not wait for all of them.
 */
export class RepairersTurns {
  readonly #room: Room;
  #waiting = 0;
  #working = 0;

  /** @param most requests at a time */
  constructor(most: number) {
    this.#room = new Room(most);
  }

  /** Requests of repairers that are worked on, or wait. */
  get count(): { readonly working: number; readonly waiting: number } {
    return { working: this.#working, waiting: this.#waiting };
  }

  /**
   * Does what a repairer asks for, in its turn.
   *
   * @param isGone whether nobody waits for the answer any more: then nothing is done
   */
  async take(route: RouteName, isGone: () => boolean, work: () => Promise<void>): Promise<void> {
    if (atOnce.includes(route)) return work();
    this.#waiting++;
    return this.#room.during(1, async () => {
      this.#waiting--;
      if (isGone()) return;
      this.#working++;
      try {
        await work();
      } finally {
        this.#working--;
      }
    });
  }
}
