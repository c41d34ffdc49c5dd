/** Files in the order of their risk: those with the fewest spare shares first, and of these the one that came first. */
export class RiskQueue {
  readonly #queues: { files: number[]; taken: number }[];
  #length = 0;

  /** @param mostSpare the largest number of spare shares that a file has */
  constructor(mostSpare: number) {
    this.#queues = Array.from({ length: mostSpare + 1 }, () => ({ files: [], taken: 0 }));
  }

  get length(): number {
    return this.#length;
  }

  add(file: number, spare: number): void {
    this.#queues[Math.min(Math.max(spare, 0), this.#queues.length - 1)]?.files.push(file);
    this.#length++;
  }

  /** Takes the first; undefined where there is none. */
  take(): number | undefined {
    for (const queue of this.#queues) {
      if (queue.taken === queue.files.length) continue;
      const file = queue.files[queue.taken++];
      if (queue.taken > 10_000 && 2 * queue.taken > queue.files.length) {
        queue.files = queue.files.slice(queue.taken);
        queue.taken = 0;
      }
      this.#length--;
      return file;
    }
    return undefined;
  }
}
