import { randomBytes } from 'node:crypto';
import { createErasureCode, type ErasureCode, type ErasureImplementation } from '@holdfast/erasure';
import { median } from '../timing.js';

/** How fast one use of the erasure code is. */
export interface ErasureSpeed {
  readonly implementation: ErasureImplementation;
  readonly required: number;
  readonly total: number;
  /** `encode` makes all parity; `decode` gets the primary blocks back from parity alone. */
  readonly operation: 'encode' | 'decode';
  /** Bytes of segment per second: for `encode` bytes given, for `decode` bytes got back. */
  readonly bytesPerSecond: number;
}

const segmentSize = 1024 * 1024;
/** More than one segment, so that the input does not come from the cache every time. */
const segmentCount = 8;

/** Median over `count` calls of the bytes of segment per second, after calls for the engine to compile. */
function bytesPerSecond(count: number, size: number, work: (index: number) => unknown): number {
  for (let index = 0; index < count / 2; index++) work(index % segmentCount);
  const speeds = Array.from({ length: count }, (_, index) => {
    const started = performance.now();
    work(index % segmentCount);
    return (size * 1000) / (performance.now() - started);
  });
  return median(speeds);
}

function measureCode(code: ErasureCode, implementation: ErasureImplementation): ErasureSpeed[] {
  const { required, total } = code;
  const blockSize = Math.ceil(segmentSize / required);
  const segments = Array.from({ length: segmentCount }, () =>
    Array.from({ length: required }, () => randomBytes(blockSize)),
  );
  const parity = segments.map((segment) =>
    code
      .encode(segment)
      .map((block, shareNumber) => ({ shareNumber, block }))
      .slice(-required),
  );
  const count = implementation === 'simd' ? 400 : 16;
  const speed = (work: (index: number) => unknown) => bytesPerSecond(count, required * blockSize, work);
  return [
    {
      implementation,
      required,
      total,
      operation: 'encode',
      bytesPerSecond: speed((index) => code.encode(segments[index]!)),
    },
    {
      implementation,
      required,
      total,
      operation: 'decode',
      bytesPerSecond: speed((index) => code.decode(parity[index]!)),
    },
  ];
}

/** The speed of whole calls, fresh blocks included, with 1 MiB segments: some four seconds of measuring on one core. */
export async function measureErasure(): Promise<ErasureSpeed[]> {
  const speeds: ErasureSpeed[] = [];
  for (const implementation of ['simd', 'plain'] as const) {
    for (const [required, total] of [
      [3, 10],
      [10, 20],
    ] as const) {
      speeds.push(...measureCode(createErasureCode({ required, total, implementation }), implementation));
    }
  }
  return speeds;
}
