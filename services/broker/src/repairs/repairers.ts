import type { Bus, Question } from '@holdfast/common/bus';
import { type RepairStatus, type RepairSubjects, repairSubjects } from '@holdfast/common/repairs';
import { type ChkVerifyCapability, formatCapability } from '@holdfast/lafs';

/** What became of a file that was put into the queue. `known`: it was there already. */
export type Queued = 'added' | 'known';

/** The shares of the file were found to be those of another capability. */
export class ContradictionError extends Error {
  override readonly name = 'ContradictionError';
  readonly code = 'contradicts';
}

/** This broker has no bus on which it could ask anybody. */
export class NoBusError extends Error {
  override readonly name = 'NoBusError';
  readonly code = 'no-bus';

  constructor() {
    super('this gateway cannot ask repairers: its connections.yaml names introducers on other buses');
  }
}

/** The grid's repairers, as a broker asks them on its bus. */
export class Repairers {
  readonly #bus: () => Bus | undefined;
  readonly #subjects: RepairSubjects;

  /** @param bus that of the grid; undefined while this broker has none */
  constructor(bus: () => Bus | undefined, grid: string) {
    this.#bus = bus;
    this.#subjects = repairSubjects(grid);
  }

  /**
   * Has a file checked and, where it needs it, repaired.
   *
   * @throws NoBusError, BusUnavailableError, BusRefusedError, ContradictionError
   */
  async add(file: ChkVerifyCapability, { verify }: { verify: boolean }): Promise<Queued> {
    const files = [formatCapability(file)];
    const { added, refused } = await this.#ask(this.#subjects.add, { files, source: 'broker', verify });
    if (refused[0]) throw new ContradictionError(refused[0].reason);
    return added > 0 ? 'added' : 'known';
  }

  /**
   * How their queue is doing.
   *
   * @throws NoBusError, BusUnavailableError, BusRefusedError
   */
  async status(): Promise<RepairStatus> {
    return this.#ask(this.#subjects.status, {});
  }

  async #ask<Q, A>(question: Question<Q, A>, value: Q): Promise<A> {
    const bus = this.#bus();
    if (!bus) throw new NoBusError();
    return bus.ask(question, value);
  }
}
