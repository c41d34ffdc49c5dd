import { setFlagsFromString } from 'node:v8';

/**
 * Sets the garbage collector up for a process that passes large buffers through. To be called before anything else.
 *
 * Buffers live outside the heap, but their coming and going makes V8 begin an incremental marking of the whole heap
 * every 20 MB or so of share data, though next to nothing in it has died: while 100 MB were stored on five servers,
 * each server spent more on that (some 55 ms a time, three times) than on taking and writing its shares. Without
 * incremental marking the old generation is collected only when it is full: 20 to 40 ms in one piece, seldom.
 */
export function collectForDataPath(): void {
  setFlagsFromString('--no-incremental-marking');
}
