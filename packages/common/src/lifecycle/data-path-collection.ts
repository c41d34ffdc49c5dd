import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

/** Milliseconds without a collection of the whole heap after which the next may be marked incrementally. */
const restFor = 4_000;

/** Percent by which the heap may grow over what lives in it before all of it is collected again. */
const growth = 200;

/**
 * Sets the garbage collector up for a process that passes large buffers through. To be called before anything else.
 *
 * Buffers live outside the heap, but their coming and going makes V8 look through the whole heap every 50 MB or so of
 * share data, though next to nothing in it has died. Marked incrementally, by threads beside this one, that takes a tenth
 * more processor time of a large download than in one piece of some 20 ms: so after each collection incremental marking
 * rests, until none has come for some seconds. The flag is that of all threads; what those that code and place shares
 * collect for themselves between two rests cost nothing that could be measured.
 *
 * Of its own accord V8 lets a heap in which little lives long grow by a fifth, as to collect it costs little: under load
 * each process did so every 5 s. But each time V8 forgets the machine code of functions that are made anew with each call,
 * which nothing holds while none of them is there: to compile it again and again took a tenth of the processor time of
 * repairs of small files. So the heap may grow to three times what lives in it: by 50 MB where that is 25 MB, as is usual.
 *
 * Marking is not left out altogether: what V8 has learnt of the shapes of objects that live briefly outlasts a collection
 * only where that was marked incrementally. After any other, hundreds of functions ran uncompiled until they were compiled
 * anew: a sixth of a repairer's processor time for small files. Nor does it outlast one that V8's memory reducer begins in
 * quiet moments, so that is off.
 */
export function collectForDataPath(): void {
  setFlagsFromString('--no-memory-reducer');
  setFlagsFromString(`--heap-growing-percent=${growth}`);
  if (!process.versions.v8.startsWith('11.3.')) {
    // Changed while other threads collect, the flag may end a process with a later V8; set once it does not.
    setFlagsFromString('--no-incremental-marking');
    return;
  }
  let end: NodeJS.Timeout | undefined;
  const rest = () => {
    setFlagsFromString('--no-incremental-marking');
    clearTimeout(end);
    end = setTimeout(() => setFlagsFromString('--incremental-marking'), restFor).unref();
  };
  new PerformanceObserver((list) => {
    if (list.getEntries().some(isOfWholeHeap)) rest();
  }).observe({ entryTypes: ['gc'] });
}

/** The types of Node.js 20 do not declare `detail` (Node.js documentation, "Performance measurement APIs"). */
function isOfWholeHeap(entry: PerformanceEntry & { readonly detail?: { readonly kind?: number } }): boolean {
  return entry.detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}
