import { Worker } from 'node:worker_threads';
import type { EncodingGeometry } from '@holdfast/lafs';
import { BufferPool, LentBuffers } from '../memory/buffer-pool.js';
import type { Coding } from './coding.js';
import type { CodingJob, JobAnswer, JobResult, SentJob } from './coding-jobs.js';
import { isShared, packedSize, packInto, withOwnHashes } from './packed-segment.js';
import { type DecodedSegment, roomToDecode, type SegmentDecoding } from './segment-decoder.js';
import type { SegmentEncoding } from './segment-encoder.js';

/** The built thread, for this file as it was built and for its source under test. */
const threadFile = new URL('../../dist/coding/coding-worker.js', import.meta.url);

/** Bytes of memory that are kept for segments that are decoded. */
const mostKept = 8 * 1024 * 1024;

/** A file's bytes could not be coded: the thread that does it has failed, or refused what it was given. */
export class CodingError extends Error {
  override readonly name = 'CodingError';
  readonly code = 'coding-failed';
}

interface Waiting {
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: CodingError) => void;
}

/**
 * Does the work on a thread of its own, which begins with the first file. Hashing is a third of what the main thread
 * would have to do for a large upload or download, and TLS, which cannot leave it, most of the rest: so the two go on side
 * by side.
 */
export class CodingThread implements Coding {
  readonly #waiting = new Map<number, Waiting>();
  /** What is to be decoded is copied into them, and what is worked out of ciphertext lies in them until it is released. */
  readonly #rooms = new BufferPool((size) => this.buffer(size), mostKept);
  #thread: Worker | undefined;
  #jobs = 0;
  #files = 0;

  encode(
    geometry: EncodingGeometry,
    key: Uint8Array | undefined,
    shares?: readonly number[],
  ): SegmentEncoding {
    const file = ++this.#files;
    // Its failure is that of the jobs after it.
    this.#ask({ kind: 'begin-encoding', file, geometry, key, shares }).catch(() => undefined);
    const hashes = async (job: CodingJob) => (await this.#ask(job)) as Uint8Array;
    return {
      encode: (segment, rooms, hash) =>
        // A copy: it may be part of a whole tree, which would be sent too.
        hashes({ kind: 'encode', file, segment, rooms, hash: hash && Uint8Array.from(hash) }),
      finish: () => hashes({ kind: 'finish', file }),
      close: () => void this.#ask({ kind: 'close', file }).catch(() => undefined),
    };
  }

  decode(geometry: EncodingGeometry, key: Uint8Array | undefined): SegmentDecoding {
    const file = ++this.#files;
    this.#ask({ kind: 'begin-decoding', file, geometry, key }).catch(() => undefined);
    return {
      decode: async (segment) => {
        const lent = new LentBuffers(this.#rooms);
        const shared = isShared(segment);
        const sent = shared ? withOwnHashes(segment) : packInto(lent.take(packedSize(segment)), segment);
        // Ciphertext stays where both threads see it: so it need not be copied to be encoded again.
        const workedOut = key ? 0 : roomToDecode(segment);
        const room = workedOut > 0 ? { room: lent.take(workedOut) } : {};
        const job = { kind: 'decode', file, segment: { ...sent, ...room } } as const;
        const decoded = (await this.#ask(job)) as DecodedSegment;
        if (!key && 'pieces' in decoded)
          return { ...decoded, liesInBlocks: shared, release: () => lent.giveBack() };
        lent.giveBack();
        return decoded;
      },
      close: () => void this.#ask({ kind: 'close', file }).catch(() => undefined),
    };
  }

  /** Memory that both threads see. */
  buffer(size: number): Uint8Array {
    return Buffer.from(new SharedArrayBuffer(size));
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #ask(job: CodingJob): Promise<JobResult> {
    const id = ++this.#jobs;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#thread ??= this.#start();
      // While something is waited for the process must not end for want of anything else to do.
      this.#thread.ref();
      this.#thread.postMessage({ id, job } satisfies SentJob);
    });
  }

  #start(): Worker {
    // Not the options that this process was started with: some of them are for a main program only.
    const thread = new Worker(threadFile, { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 2 } });
    thread.on('message', (answer: JobAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('problem' in answer) waiting?.reject(new CodingError(answer.problem));
      else waiting?.resolve(answer.result);
      if (this.#waiting.size === 0) thread.unref();
    });
    thread.on('error', (error) => this.#ended(thread, error.message));
    thread.on('exit', () => this.#ended(thread, 'the thread that codes has ended'));
    return thread;
  }

  /** What was under way has failed; the next file gets a new thread. */
  #ended(thread: Worker, reason: string): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    for (const { reject } of this.#waiting.values()) reject(new CodingError(reason));
    this.#waiting.clear();
  }
}
