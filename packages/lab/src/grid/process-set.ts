import type { GuardedProcess } from '../processes/guarded-process.js';
import { LabError } from './errors.js';
import { recordProcesses } from './running-processes.js';

interface Member {
  readonly process: GuardedProcess;
  readonly marker: string;
  expectedToEnd: boolean;
}

/** The processes that a lab runs, by nickname, noted in its folder as they come and go. */
export class ProcessSet {
  readonly #dir: string;
  readonly #onUnexpectedEnd: (line: string) => void;
  readonly #members = new Map<string, Member>();
  readonly #starting = new Set<Promise<unknown>>();
  #closed = false;
  #recording: Promise<void> = Promise.resolve();

  constructor(dir: string, onUnexpectedEnd: (line: string) => void) {
    this.#dir = dir;
    this.#onUnexpectedEnd = onUnexpectedEnd;
  }

  /**
   * Starts a process and takes it in. What `start` found running already, and not ours, has none.
   *
   * @param marker a part of its command line that no other process has
   * @throws LabError `node-state` where it runs, `ending` where the set was closed
   */
  async start<T extends { readonly process?: GuardedProcess }>(
    nickname: string,
    marker: string,
    start: () => Promise<T>,
  ): Promise<T> {
    if (this.pid(nickname) !== null) throw new LabError('node-state', `${nickname} is running already`);
    if (this.#closed) throw new LabError('ending', 'the lab is being ended');
    const starting = start();
    this.#starting.add(starting);
    try {
      const started = await starting;
      const { process } = started;
      if (process) await this.#take(nickname, { process, marker, expectedToEnd: false });
      return started;
    } finally {
      this.#starting.delete(starting);
    }
  }

  /** Its process id, or null while it does not run. */
  pid(nickname: string): number | null {
    const member = this.#members.get(nickname);
    return member === undefined || member.process.hasExited() ? null : member.process.pid;
  }

  /** Ends one process: asks it to, or kills it. Throws LabError `node-state` where it does not run. */
  async end(nickname: string, how: 'stop' | 'kill'): Promise<void> {
    const member = this.#members.get(nickname);
    if (member === undefined || member.process.hasExited()) {
      throw new LabError('node-state', `${nickname} is not running`);
    }
    member.expectedToEnd = true;
    await member.process[how]();
    this.#members.delete(nickname);
    await this.#record();
  }

  /** Lets no more start, and waits for those that are starting. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#starting);
  }

  async #take(nickname: string, member: Member): Promise<void> {
    this.#members.set(nickname, member);
    void member.process.exited.then(({ code, signal }) => {
      if (member.expectedToEnd) return;
      this.#onUnexpectedEnd(`${nickname} ended by itself (${signal ?? `status ${code}`}).`);
    });
    await this.#record();
  }

  #record(): Promise<void> {
    // Whoever asked for the one before was told of its failure; this one writes all there is.
    this.#recording = this.#recording
      .catch(() => {})
      .then(() => {
        const running = [...this.#members.values()].filter(({ process }) => !process.hasExited());
        return recordProcesses(
          this.#dir,
          running.map(({ process, marker }) => ({ pid: process.pid, marker })),
        );
      });
    return this.#recording;
  }
}
