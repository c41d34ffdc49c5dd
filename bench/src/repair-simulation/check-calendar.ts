const none = 0xffffffff;
const fields = 3;
const next = 0;
const before = 1;
const due = 2;

/**
 * When each of very many files is checked next: in each of a ring of ticks a linked list, so that a file is moved without
 * looking for it. Twelve bytes a file.
 */
export class CheckCalendar {
  readonly #entries: Uint32Array;
  readonly #heads: Uint32Array;

  /** @param ticks how far ahead a check may be */
  constructor(files: number, ticks: number) {
    this.#entries = new Uint32Array(files * fields).fill(none);
    this.#heads = new Uint32Array(ticks + 1).fill(none);
  }

  /** The tick of a file's next check. */
  dueAt(file: number): number {
    return this.#entries[file * fields + due] as number;
  }

  /** Puts a file down, instead of when it was before. `tick` is after the present one. */
  set(file: number, tick: number): void {
    const entries = this.#entries;
    if (entries[file * fields + due] !== none) this.#remove(file);
    const slot = tick % this.#heads.length;
    const head = this.#heads[slot] as number;
    entries[file * fields + next] = head;
    entries[file * fields + before] = none;
    entries[file * fields + due] = tick;
    if (head !== none) entries[head * fields + before] = file;
    this.#heads[slot] = file;
  }

  /** Takes a file that is due at `tick`; undefined where there is none. */
  take(tick: number): number | undefined {
    const file = this.#heads[tick % this.#heads.length] as number;
    if (file === none) return undefined;
    this.#remove(file);
    this.#entries[file * fields + due] = none;
    return file;
  }

  #remove(file: number): void {
    const entries = this.#entries;
    const after = entries[file * fields + next] as number;
    const prior = entries[file * fields + before] as number;
    if (after !== none) entries[after * fields + before] = prior;
    if (prior !== none) entries[prior * fields + next] = after;
    else this.#heads[(entries[file * fields + due] as number) % this.#heads.length] = after;
  }
}
