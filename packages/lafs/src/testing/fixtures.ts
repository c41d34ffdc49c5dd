import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Reads one of the recorded files; `fixtures/README.md` says what each holds. */
export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8')) as T;
}

/** The sample data of all fixtures: SHA-256 of `<seed> 0`, `<seed> 1`, … cut to `size` bytes. */
export function stream(seed: string, size: number): Uint8Array {
  const blocks = Array.from({ length: Math.floor(size / 32) + 1 }, (_, block) =>
    createHash('sha256').update(`${seed} ${block}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}

export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** One entry of `encodings.json`. */
export interface RecordedEncoding {
  readonly version: 1 | 2;
  readonly size: number;
  readonly required: number;
  readonly total: number;
  readonly maximumSegmentSize: number;
  readonly convergenceSecret: string;
  readonly capability: string;
  readonly uriExtension: string;
  readonly shareSize: number;
  readonly shares: readonly { readonly blockHashRoot: string; readonly sha256: string }[];
}

export function recordedEncodings(): readonly RecordedEncoding[] {
  return readFixture<{ encodings: RecordedEncoding[] }>('encodings.json').encodings;
}

/** For the name of a test. */
export function describeEncoding(each: RecordedEncoding): string {
  const { size, required, total, maximumSegmentSize, version } = each;
  return `${size} bytes, ${required}-of-${total}, segments of ${maximumSegmentSize}, version ${version}`;
}
