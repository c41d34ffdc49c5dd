import { closeSync, fsync, openSync } from 'node:fs';
import { promisify } from 'node:util';

const syncFile = promisify(fsync);

interface Turn {
  readonly running: Promise<void>;
  next?: Promise<void>;
}

/**
 * Makes directory entries durable. Whoever asks while a sync of the same directory is running shares the one that
 * follows it: that one begins after the asker's change, as it must.
 */
export class DirectorySync {
  readonly #turns = new Map<string, Turn>();

  sync(directory: string): Promise<void> {
    const turn = this.#turns.get(directory);
    if (!turn) return this.#begin(directory);
    turn.next ??= turn.running.catch(() => undefined).then(() => this.#begin(directory));
    return turn.next;
  }

  #begin(directory: string): Promise<void> {
    const running = syncDirectory(directory);
    const turn: Turn = { running };
    this.#turns.set(directory, turn);
    const done = () => {
      if (this.#turns.get(directory) === turn && !turn.next) this.#turns.delete(directory);
    };
    running.then(done, done);
    return running;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  // Opening a folder that was just changed needs no disk, and costs far less here than in the thread pool.
  const descriptor = openSync(directory, 'r');
  try {
    await syncFile(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
