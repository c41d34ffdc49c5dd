import type { EncodingGeometry } from '@holdfast/lafs';
import { SegmentEncoder } from './segment-encoder.js';

/** What can be asked of the thread that codes. */
export type CodingJob =
  | {
      readonly kind: 'begin';
      readonly file: number;
      readonly geometry: EncodingGeometry;
      readonly key: Uint8Array | undefined;
      readonly shares: readonly number[] | undefined;
    }
  | {
      readonly kind: 'encode';
      readonly file: number;
      readonly plaintext: Uint8Array;
      readonly rooms: readonly Uint8Array[];
    }
  | { readonly kind: 'finish'; readonly file: number }
  | { readonly kind: 'close'; readonly file: number };

/** A job as it is sent, with the number that its answer will have. */
export interface SentJob {
  readonly id: number;
  readonly job: CodingJob;
}

/** What comes back: what the job gave, or why it failed. */
export type JobAnswer =
  | { readonly id: number; readonly hashes: Uint8Array | undefined }
  | { readonly id: number; readonly problem: string };

/** Does jobs, in the order in which they come: the thread's side. */
export class CodingJobs {
  readonly #files = new Map<number, SegmentEncoder>();

  async run(job: CodingJob): Promise<Uint8Array | undefined> {
    switch (job.kind) {
      case 'begin':
        this.#files.set(job.file, new SegmentEncoder(job.geometry, job.key, job.shares));
        return undefined;
      case 'encode':
        return this.#file(job.file).encode(job.plaintext, job.rooms);
      case 'finish':
        return this.#file(job.file).finish();
      case 'close':
        this.#files.delete(job.file);
        return undefined;
    }
  }

  #file(number: number): SegmentEncoder {
    const file = this.#files.get(number);
    if (!file) throw new RangeError(`no file ${number} is being encoded`);
    return file;
  }
}
