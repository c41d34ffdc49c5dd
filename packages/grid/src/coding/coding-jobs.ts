import type { EncodingGeometry } from '@holdfast/lafs';
import { type DecodedSegment, SegmentDecoder, type SegmentToDecode } from './segment-decoder.js';
import { SegmentEncoder } from './segment-encoder.js';

/** What can be asked of the thread that codes. */
export type CodingJob =
  | {
      readonly kind: 'begin-encoding';
      readonly file: number;
      readonly geometry: EncodingGeometry;
      readonly key: Uint8Array | undefined;
      readonly shares: readonly number[] | undefined;
    }
  | {
      readonly kind: 'encode';
      readonly file: number;
      readonly segment: readonly Uint8Array[];
      readonly rooms: readonly Uint8Array[];
      readonly hash: Uint8Array | undefined;
    }
  | { readonly kind: 'finish'; readonly file: number }
  | {
      readonly kind: 'begin-decoding';
      readonly file: number;
      readonly geometry: EncodingGeometry;
      readonly key: Uint8Array | undefined;
    }
  | { readonly kind: 'decode'; readonly file: number; readonly segment: SegmentToDecode }
  | { readonly kind: 'close'; readonly file: number };

/** A job as it is sent, with the number that its answer will have. */
export interface SentJob {
  readonly id: number;
  readonly job: CodingJob;
}

/** What a job gives: hashes of what was encoded, a segment, or nothing. */
export type JobResult = Uint8Array | DecodedSegment | undefined;

/** What comes back: what the job gave, or why it failed. */
export type JobAnswer =
  | { readonly id: number; readonly result: JobResult }
  | { readonly id: number; readonly problem: string };

/** Does jobs, in the order in which they come: the thread's side. */
export class CodingJobs {
  readonly #encoders = new Map<number, SegmentEncoder>();
  readonly #decoders = new Map<number, SegmentDecoder>();

  async run(job: CodingJob): Promise<JobResult> {
    switch (job.kind) {
      case 'begin-encoding':
        this.#encoders.set(job.file, new SegmentEncoder(job.geometry, job.key, job.shares));
        return undefined;
      case 'encode':
        return begun(this.#encoders, job.file).encode(job.segment, job.rooms, job.hash);
      case 'finish':
        return begun(this.#encoders, job.file).finish();
      case 'begin-decoding':
        this.#decoders.set(job.file, new SegmentDecoder(job.geometry, job.key));
        return undefined;
      case 'decode':
        return begun(this.#decoders, job.file).decode(job.segment);
      case 'close':
        this.#encoders.delete(job.file);
        this.#decoders.delete(job.file);
        return undefined;
    }
  }
}

function begun<Work>(files: ReadonlyMap<number, Work>, number: number): Work {
  const file = files.get(number);
  if (!file) throw new RangeError(`no file ${number} is being coded`);
  return file;
}
